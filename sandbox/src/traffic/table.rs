//! The table that routers' objects come down to: hosts, their rules, and where each sends requests.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::condition::Condition;
use super::host::Host;
use super::request::Request;

/// Which port of a Service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Port {
    /// By its number.
    Number(i64),
    /// By its name.
    Name(String),
    /// The only one, or the first.
    Only,
}

/// Where a request goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// The namespace of the Service.
    pub namespace: String,
    /// The Service.
    pub service: String,
    /// Its port.
    pub port: Port,
    /// Labels that its pods have to have: those of a subset.
    pub labels: BTreeMap<String, String>,
}

/// A destination, or why there is none.
pub type Backend = Result<Destination, Fixed>;

/// An answer that no pod gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fixed {
    /// The code.
    pub status: u16,
    /// The text.
    pub body: String,
}

impl Fixed {
    /// An answer with this code and text.
    pub fn new(status: u16, body: impl Into<String>) -> Fixed {
        Fixed { status, body: body.into() }
    }
}

/// A part of the requests.
#[derive(Clone, Debug)]
pub struct Share {
    /// How large it is beside the others.
    pub weight: u64,
    /// Where it goes.
    pub to: Backend,
    /// Headers that the answers get.
    pub marks: Vec<(String, String)>,
}

impl Share {
    /// A part without marks.
    pub fn new(weight: u64, to: Backend) -> Share {
        Share { weight, to, marks: Vec::new() }
    }
}

/// Who gets a copy of requests, and of how many in a million.
#[derive(Clone, Debug)]
pub struct Mirror {
    /// Where the copies go.
    pub to: Destination,
    /// How many.
    pub per_million: u64,
}

/// Requests that are treated alike.
#[derive(Clone, Debug, Default)]
pub struct Rule {
    /// What such a request is like; all of it.
    pub when: Vec<Condition>,
    /// The parts that they are split into.
    pub shares: Vec<Share>,
    /// Who gets copies.
    pub mirrors: Vec<Mirror>,
}

/// The rules for some hosts.
#[derive(Clone, Debug)]
pub struct Site {
    /// Which hosts.
    pub host: Host,
    /// The rules in the order in which they are tried, in lists that several sites may share.
    pub rules: Vec<Arc<[Rule]>>,
}

/// What becomes of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// A pod of this destination answers it.
    Send {
        /// Where it goes.
        to: &'a Destination,
        /// What the answer gets.
        marks: &'a [(String, String)],
        /// Who gets a copy.
        copies: Vec<&'a Destination>,
    },
    /// It is answered with this.
    Answer(Fixed),
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub struct Table {
    sites: Vec<Site>,
}

impl Table {
    /// A table of these sites; of two that name a host equally well, the earlier one counts.
    pub fn new(mut sites: Vec<Site>) -> Table {
        sites.sort_by_key(|site| site.host.order());
        Table { sites }
    }

    /// What becomes of a request; `None` where nothing is for its host. `lot` is a number drawn from all there are.
    pub fn decide(&self, request: &Request, lot: u64) -> Option<Verdict<'_>> {
        let site = self.sites.iter().find(|site| site.host.holds(&request.host))?;
        let mut rules = site.rules.iter().flat_map(|list| list.iter());
        let rule = rules.find(|rule| rule.when.iter().all(|condition| condition.holds(request)));
        Some(match rule {
            Some(rule) => rule.decide(lot),
            None => Verdict::Answer(Fixed::new(404, "no rule for this host is for this request")),
        })
    }
}

impl Rule {
    /// A rule for everything like this, which goes to one place.
    pub fn to(when: Vec<Condition>, to: Backend) -> Rule {
        Rule { when, shares: vec![Share::new(1, to)], mirrors: Vec::new() }
    }

    fn decide(&self, lot: u64) -> Verdict<'_> {
        let Some(share) = self.share(lot) else {
            return Verdict::Answer(Fixed::new(500, "none of the rule's backends has a weight"));
        };
        match &share.to {
            Err(answer) => Verdict::Answer(answer.clone()),
            Ok(to) => {
                // The first bits of the lot chose the share; another number decides about the copies.
                let drawn = part_of(mix(lot), 1_000_000);
                let copies = self.mirrors.iter().filter(|mirror| drawn < mirror.per_million);
                Verdict::Send { to, marks: &share.marks, copies: copies.map(|mirror| &mirror.to).collect() }
            }
        }
    }

    fn share(&self, lot: u64) -> Option<&Share> {
        let total: u64 = self.shares.iter().fold(0, |sum, share| sum.saturating_add(share.weight));
        let mut drawn = part_of(lot, total);
        self.shares.iter().find(|share| {
            let hit = drawn < share.weight;
            drawn = drawn.saturating_sub(share.weight);
            hit
        })
    }
}

/// A number below `total`, as far along as the lot is among all numbers.
fn part_of(lot: u64, total: u64) -> u64 {
    ((u128::from(lot) * u128::from(total)) >> 64) as u64
}

/// Another number, which says nothing about the first.
fn mix(lot: u64) -> u64 {
    let lot = (lot ^ (lot >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let lot = (lot ^ (lot >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    lot ^ (lot >> 31)
}

/// The lot of the nth request. Consecutive ones are spread evenly, so that shares are near their weights from the beginning on; and
/// nothing here depends on chance.
pub fn lot(nth: u64) -> u64 {
    nth.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn share(weight: u64, service: &str) -> Share {
        let to = Destination {
            namespace: "shop".into(),
            service: service.into(),
            port: Port::Only,
            labels: BTreeMap::new(),
        };
        Share::new(weight, Ok(to))
    }

    #[test]
    fn shares_are_as_large_as_their_weights() {
        let rule = |weights: &[u64]| Rule {
            shares: weights.iter().map(|weight| share(*weight, &weight.to_string())).collect(),
            ..Rule::default()
        };
        for weights in [&[80, 20][..], &[0, 100], &[1, 0, 999], &[1, 1, 1]] {
            let (rule, total) = (rule(weights), weights.iter().sum::<u64>());
            for (index, weight) in weights.iter().enumerate() {
                let hits = (0..3000).filter(|nth| {
                    rule.share(lot(*nth)).is_some_and(|share| std::ptr::eq(share, &raw const rule.shares[index]))
                });
                let expected = 3000.0 * *weight as f64 / total as f64;
                let hits = hits.count() as f64;
                assert!((hits - expected).abs() < 6.0, "{weight} of {weights:?}: {hits}, not {expected}");
            }
        }
        assert!(rule(&[0, 0]).share(lot(7)).is_none());
        assert!(rule(&[u64::MAX, u64::MAX]).share(u64::MAX).is_some(), "weights beyond all bounds");
    }

    #[test]
    fn copies_are_as_many_as_asked_for_in_every_share() {
        let mirror = Mirror { to: share(1, "copy").to.expect("a destination"), per_million: 250_000 };
        let rule = Rule { shares: vec![share(1, "a"), share(1, "b")], mirrors: vec![mirror], ..Rule::default() };
        for service in ["a", "b"] {
            let mut counts = [0.0_f64; 2];
            for nth in 0..4000 {
                let Verdict::Send { to, copies, .. } = rule.decide(lot(nth)) else { panic!("nowhere to go") };
                if to.service == service {
                    counts[usize::from(!copies.is_empty())] += 1.0;
                }
            }
            let part = counts[1] / (counts[0] + counts[1]);
            assert!((part - 0.25).abs() < 0.04, "{service}: {part}");
        }
    }

    #[test]
    fn the_best_name_of_a_host_counts_and_then_the_first_rule_that_holds() {
        use crate::traffic::condition::Text;
        let rule = |path: &str, to: &str| Rule {
            when: vec![Condition::Path(Text::below(path))],
            shares: vec![share(1, to)],
            mirrors: Vec::new(),
        };
        let table = Table::new(vec![
            Site { host: Host::Any, rules: vec![[rule("/", "any")].into()] },
            Site { host: Host::deep("*.com"), rules: vec![[rule("/", "domain")].into()] },
            Site { host: Host::deep("a.com"), rules: vec![[rule("/x", "x")].into(), [rule("/x/y", "never")].into()] },
        ]);
        for (host, path, expected) in
            [("a.com", "/x/y", "x"), ("a.com", "/", "404"), ("b.com", "/", "domain"), ("b.org", "/", "any")]
        {
            let got = match table.decide(&Request::new("GET", host, path), 0) {
                Some(Verdict::Send { to, .. }) => to.service.clone(),
                Some(Verdict::Answer(fixed)) => fixed.status.to_string(),
                None => String::new(),
            };
            assert_eq!(got, expected, "{host}{path}");
        }
        assert!(Table::default().decide(&Request::new("GET", "a.com", "/"), 0).is_none());
    }
}
