//! IP addresses, and ranges of them.

use std::net::IpAddr;

use super::{Library, Made, unfit};
use crate::Error;
use crate::eval::Budget;
use crate::signature::Row;
use crate::value::Val;

pub const TABLE: &[Row] = &[
    ("ip", "(string) -> ip", ip),
    ("isIP", "(string) -> bool", is_ip),
    ("ip.isCanonical", "(string) -> bool", is_canonical),
    ("family", "ip.() -> int", family),
    ("isUnspecified", "ip.() -> bool", is_unspecified),
    ("isLoopback", "ip.() -> bool", is_loopback),
    ("isLinkLocalMulticast", "ip.() -> bool", is_link_local_multicast),
    ("isLinkLocalUnicast", "ip.() -> bool", is_link_local_unicast),
    ("isGlobalUnicast", "ip.() -> bool", is_global_unicast),
    ("cidr", "(string) -> cidr", cidr),
    ("isCIDR", "(string) -> bool", is_cidr),
    ("containsIP", "cidr.(string) -> bool", contains_ip),
    ("containsIP", "cidr.(ip) -> bool", contains_ip),
    ("containsCIDR", "cidr.(string) -> bool", contains_cidr),
    ("containsCIDR", "cidr.(cidr) -> bool", contains_cidr),
    ("ip", "cidr.() -> ip", ip_of),
    ("prefixLength", "cidr.() -> int", prefix_length),
    ("masked", "cidr.() -> cidr", masked),
];

/// An address; neither one with a zone nor an IPv4 one in IPv6 clothes.
fn address(text: &str) -> Result<IpAddr, Error> {
    match text.parse() {
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_some() => {
            Err(Error::new(format!("IPv4-mapped IPv6 address {text:?} is not allowed")))
        }
        Ok(address) => Ok(address),
        Err(_) => Err(Error::new(format!(
            "IP Address {text:?} parse error during conversion from string: ParseAddr({text:?}): unable to parse IP"
        ))),
    }
}

fn range(text: &str) -> Result<(IpAddr, u8), Error> {
    let wrong = || {
        let why = format!("netip.ParsePrefix({text:?}): no '/'");
        Error::new(format!("network address parse error during conversion from string: {why}"))
    };
    let (start, length) = text.split_once('/').ok_or_else(wrong)?;
    let start = address(start).map_err(|_| wrong())?;
    let plain = length.bytes().all(|byte| byte.is_ascii_digit()) && (length == "0" || !length.starts_with('0'));
    let length = length.parse().ok().filter(|length| plain && *length <= width(start)).ok_or_else(wrong)?;
    Ok((start, length))
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// The bits of an address, at the top of a number.
fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()) << 96,
        IpAddr::V6(address) => address.to_bits(),
    }
}

fn mask(length: u8) -> u128 {
    if length == 0 { 0 } else { u128::MAX << (128 - u32::from(length)) }
}

/// As it is written.
pub fn written(address: IpAddr, length: u8) -> String {
    format!("{address}/{length}")
}

fn given_ip(value: &Val<'_>) -> Result<IpAddr, Error> {
    match value {
        Val::String(text) => address(text),
        Val::Library(value) => match &**value {
            Library::Ip(address) => Ok(*address),
            _ => Err(Error::no_such_overload()),
        },
        _ => Err(Error::no_such_overload()),
    }
}

fn given_cidr(value: &Val<'_>) -> Result<(IpAddr, u8), Error> {
    match value {
        Val::String(text) => range(text),
        Val::Library(value) => match &**value {
            Library::Cidr(address, length) => Ok((*address, *length)),
            _ => Err(Error::no_such_overload()),
        },
        _ => Err(Error::no_such_overload()),
    }
}

fn ip<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let [of] = args else { return unfit() };
    Ok(Val::library(Library::Ip(given_ip(of)?)))
}

fn is_ip<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let [of] = args else { return unfit() };
    Ok(Val::Bool(given_ip(of).is_ok()))
}

fn is_canonical<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let [Val::String(text)] = args else { return unfit() };
    Ok(Val::Bool(address(text)?.to_string() == **text))
}

fn family<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let [of] = args else { return unfit() };
    Ok(Val::Int(if given_ip(of)?.is_ipv4() { 4 } else { 6 }))
}

fn told<'a>(args: &[Val<'a>], holds: fn(IpAddr) -> bool) -> Made<'a> {
    let [of] = args else { return unfit() };
    Ok(Val::Bool(holds(given_ip(of)?)))
}

fn is_unspecified<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    told(args, |address| address.is_unspecified())
}

fn is_loopback<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    told(args, |address| address.is_loopback())
}

fn is_link_local_multicast<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    told(args, link_local_multicast)
}

fn link_local_multicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.octets()[..3] == [224, 0, 0],
        IpAddr::V6(address) => address.segments()[0] & 0xff0f == 0xff02,
    }
}

fn link_local_unicast(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => address.is_link_local(),
        IpAddr::V6(address) => address.segments()[0] & 0xffc0 == 0xfe80,
    }
}

fn is_link_local_unicast<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    told(args, link_local_unicast)
}

fn is_global_unicast<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    told(args, |address| {
        let is_broadcast = matches!(address, IpAddr::V4(address) if address.is_broadcast());
        !(is_broadcast
            || address.is_unspecified()
            || address.is_loopback()
            || address.is_multicast()
            || link_local_unicast(address))
    })
}

fn cidr<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let [of] = args else { return unfit() };
    let (address, length) = given_cidr(of)?;
    Ok(Val::library(Library::Cidr(address, length)))
}

fn is_cidr<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let [of] = args else { return unfit() };
    Ok(Val::Bool(given_cidr(of).is_ok()))
}

fn is_within((start, length): (IpAddr, u8), address: IpAddr) -> bool {
    start.is_ipv4() == address.is_ipv4() && (bits(start) ^ bits(address)) & mask(length) == 0
}

fn contains_ip<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let [range, address] = args else { return unfit() };
    Ok(Val::Bool(is_within(given_cidr(range)?, given_ip(address)?)))
}

fn contains_cidr<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let [range, other] = args else { return unfit() };
    let (range, (start, length)) = (given_cidr(range)?, given_cidr(other)?);
    Ok(Val::Bool(range.1 <= length && is_within(range, start)))
}

fn ip_of<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let [of] = args else { return unfit() };
    Ok(Val::library(Library::Ip(given_cidr(of)?.0)))
}

fn prefix_length<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let [of] = args else { return unfit() };
    Ok(Val::Int(i64::from(given_cidr(of)?.1)))
}

fn masked<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let [of] = args else { return unfit() };
    let (address, length) = given_cidr(of)?;
    let kept = bits(address) & mask(length);
    let start = match address {
        IpAddr::V4(_) => IpAddr::V4(((kept >> 96) as u32).into()),
        IpAddr::V6(_) => IpAddr::V6(kept.into()),
    };
    Ok(Val::library(Library::Cidr(start, length)))
}
