//! The functions: those of the language, of its extensions that Kubernetes switches on, and of Kubernetes itself.

pub mod convert;
mod format;
mod formats;
mod lists;
mod network;
mod optional;
mod quantity;
mod semver;
mod strings;
pub mod time;
mod url;

use std::net::IpAddr;

use super::Error;
use super::signature::Row;
use super::value::Val;

/// The tables of all of them.
pub fn tables() -> [&'static [Row]; 10] {
    [
        convert::TABLE,
        strings::TABLE,
        lists::TABLE,
        optional::TABLE,
        time::TABLE,
        url::TABLE,
        network::TABLE,
        quantity::TABLE,
        semver::TABLE,
        formats::TABLE,
    ]
}

/// A value of Kubernetes' own types.
#[derive(Clone, Debug, PartialEq)]
pub enum Library {
    /// A URL.
    Url(url::Url),
    /// An IP address.
    Ip(IpAddr),
    /// An IP address and the length of its prefix.
    Cidr(IpAddr, u8),
    /// A quantity in billionths.
    Quantity(i128),
    /// A version.
    Semver(semver::Semver),
    /// A format by its name.
    Format(&'static str),
}

impl Library {
    /// The name of its type.
    pub fn type_name(&self) -> &'static str {
        match self {
            Library::Url(_) => "kubernetes.URL",
            Library::Ip(_) => "net.IP",
            Library::Cidr(..) => "net.CIDR",
            Library::Quantity(_) => "kubernetes.Quantity",
            Library::Semver(_) => "kubernetes.Semver",
            Library::Format(_) => "kubernetes.NamedFormat",
        }
    }
}

/// What every function gives.
type Made<'a> = Result<Val<'a>, Error>;

/// Signatures have been compared with the values, so this comes up only when a table and a function do not agree.
fn unfit<'a>() -> Made<'a> {
    Err(Error::no_such_overload())
}
