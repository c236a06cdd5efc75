//! Elastic Load Balancing, version 2: which load balancer has a host name, what its rules do, and how its targets are.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};

use futures::future::BoxFuture;
use roxmltree::Node;
use sluice_core::traffic::aws::{Balancer, Group, Target};

use super::credentials::Credentials;
use super::http::Http;
use super::query::{self, Signer};
use super::sign::Scope;
use super::{Env, Error, endpoint, xml};
use crate::clock::Clock;
use crate::controller::balancers::{Aws, Failure, Found};

const VERSION: &str = "2015-12-01";
/// The service in signatures and host names.
const SERVICE: &str = "elasticloadbalancing";
/// Pages of a list that are read; a page has up to 400 entries.
const PAGES: usize = 50;
/// Resources that tags are asked for at once.
const BATCH: usize = 20;

/// A client. What never changes of a load balancer is asked once.
pub struct Elb {
    env: Env,
    http: Http,
    clock: Clock,
    credentials: Credentials,
    region: tokio::sync::OnceCell<String>,
    /// The tag that says whose a target group is.
    tag: String,
    learnt: Mutex<Learnt>,
}

#[derive(Default)]
struct Learnt {
    /// Names and ARNs of load balancers by their host names. A new one has a new host name.
    balancers: HashMap<String, (String, String)>,
    /// Whose target groups are, by their ARNs.
    resources: HashMap<String, String>,
}

impl Elb {
    /// A client that finds target groups by this tag.
    ///
    /// # Errors
    /// Where no HTTP client can be made.
    pub fn new(env: Env, clock: Clock, tag: String) -> Result<Elb, reqwest::Error> {
        let http = Http::new()?;
        let credentials = Credentials::new(env.clone(), http.clone(), clock);
        let (region, learnt) = (tokio::sync::OnceCell::new(), Mutex::default());
        Ok(Elb { env, http, clock, credentials, region, tag, learnt })
    }

    async fn call(&self, action: &str, arguments: &[(&str, &str)]) -> Result<String, Error> {
        let region = self.region.get_or_try_init(|| self.credentials.region()).await?;
        let keys = self.credentials.keys().await?;
        let url = endpoint(&self.env, "ELASTIC_LOAD_BALANCING_V2", SERVICE, region);
        let pairs = [("Action", action), ("Version", VERSION)];
        let pairs: Vec<_> = pairs.into_iter().chain(arguments.iter().copied()).collect();
        let scope = Scope { region, service: SERVICE };
        let signer = Signer { keys: &keys, scope, now: self.clock.now() };
        let answer = query::call(&self.http, &url, &pairs, Some(signer)).await;
        if let Err(error) = &answer
            && ["ExpiredToken", "InvalidClientTokenId", "UnrecognizedClientException"].contains(&error.code())
        {
            self.credentials.forget().await;
        }
        answer
    }

    /// All pages of a list, each through `read`, as long as that wants another one.
    async fn pages(
        &self,
        action: &str,
        arguments: &[(&str, &str)],
        mut read: impl FnMut(Node<'_, '_>) -> bool,
    ) -> Result<(), Error> {
        let mut marker = String::new();
        for _ in 0..PAGES {
            let mut arguments = arguments.to_vec();
            if !marker.is_empty() {
                arguments.push(("Marker", &marker));
            }
            let body = self.call(action, &arguments).await?;
            marker = result(action, &body, |result| {
                let more = read(result);
                if more { xml::text(result, &["NextMarker"]) } else { String::new() }
            })?;
            if marker.is_empty() {
                return Ok(());
            }
        }
        let message = format!("it has more than {PAGES} pages");
        Err(Error::Unreadable { action: action.to_owned(), message })
    }

    /// The name and the ARN of the load balancer with a host name.
    async fn find(&self, host: &str) -> Result<Option<(String, String)>, Error> {
        let known = self.learnt().balancers.get(host).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let mut found = None;
        self.pages("DescribeLoadBalancers", &[("PageSize", "400")], |page| {
            let mut all = xml::members(page, &["LoadBalancers"]);
            found = all
                .find(|member| xml::text(*member, &["DNSName"]).eq_ignore_ascii_case(host))
                .map(|member| (xml::text(member, &["LoadBalancerName"]), xml::text(member, &["LoadBalancerArn"])));
            found.is_none()
        })
        .await?;
        if let Some(found) = &found {
            self.learnt().balancers.insert(host.to_owned(), found.clone());
        }
        Ok(found)
    }

    async fn rules(&self, balancer: &str) -> Result<Vec<BTreeMap<String, u32>>, Error> {
        let mut listeners = Vec::new();
        self.pages("DescribeListeners", &[("LoadBalancerArn", balancer)], |page| {
            listeners.extend(xml::members(page, &["Listeners"]).map(|member| xml::text(member, &["ListenerArn"])));
            true
        })
        .await?;
        let mut rules = Vec::new();
        for listener in listeners {
            self.pages("DescribeRules", &[("ListenerArn", &listener)], |page| {
                let all = xml::members(page, &["Rules"]).flat_map(|rule| xml::members(rule, &["Actions"]));
                rules.extend(all.filter(|action| xml::text(*action, &["Type"]) == "forward").map(forwards));
                true
            })
            .await?;
        }
        Ok(rules)
    }

    /// The target groups of a load balancer that have one of these tags, without their targets.
    async fn groups(&self, balancer: &str, tags: &BTreeSet<String>) -> Result<BTreeMap<String, Group>, Error> {
        let mut groups = BTreeMap::new();
        self.pages("DescribeTargetGroups", &[("LoadBalancerArn", balancer)], |page| {
            groups.extend(xml::members(page, &["TargetGroups"]).map(group));
            true
        })
        .await?;
        let unknown: Vec<String> = {
            let learnt = self.learnt();
            groups.keys().filter(|arn| !learnt.resources.contains_key(*arn)).cloned().collect()
        };
        for some in unknown.chunks(BATCH) {
            let found = self.resources(some).await?;
            self.learnt().resources.extend(found);
        }
        let learnt = self.learnt();
        for (arn, group) in &mut groups {
            group.resource = learnt.resources.get(arn).cloned().unwrap_or_default();
        }
        groups.retain(|_, group| tags.contains(&group.resource));
        Ok(groups)
    }

    /// The values of the tag of some target groups, as far as they have it.
    async fn resources(&self, arns: &[String]) -> Result<Vec<(String, String)>, Error> {
        let names: Vec<String> = (1..=arns.len()).map(|number| format!("ResourceArns.member.{number}")).collect();
        let arguments: Vec<(&str, &str)> =
            names.iter().map(String::as_str).zip(arns.iter().map(String::as_str)).collect();
        let body = self.call("DescribeTags", &arguments).await?;
        result("DescribeTags", &body, |result| {
            let of = |member| {
                let tag = xml::members(member, &["Tags"]).find(|tag| xml::text(*tag, &["Key"]) == self.tag)?;
                Some((xml::text(member, &["ResourceArn"]), xml::text(tag, &["Value"])))
            };
            xml::members(result, &["TagDescriptions"]).filter_map(of).collect()
        })
    }

    async fn health(&self, arn: &str) -> Result<Vec<Target>, Error> {
        let body = self.call("DescribeTargetHealth", &[("TargetGroupArn", arn)]).await?;
        result("DescribeTargetHealth", &body, |result| {
            xml::members(result, &["TargetHealthDescriptions"]).map(target).collect()
        })
    }

    async fn ask(&self, hosts: &[String], tags: &BTreeSet<String>) -> Result<Found, Failure> {
        let mut found = Found::default();
        for host in hosts {
            let known = self.find(host).await?;
            let Some((name, arn)) = known else {
                let message = format!(
                    "AWS has no load balancer with the host name {host:?} of its status; is it in another region or account?"
                );
                return Err(Failure { message, not_found: true, after: None });
            };
            let asked = async {
                let (rules, groups) = (self.rules(&arn).await?, self.groups(&arn, tags).await?);
                Ok::<_, Error>((rules, groups))
            };
            let (rules, groups) = asked.await.inspect_err(|error| {
                if error.code().ends_with("NotFound") {
                    self.learnt().balancers.remove(host);
                }
            })?;
            found.balancers.push(Balancer { name, arn, rules });
            found.groups.extend(groups);
        }
        for (arn, group) in &mut found.groups {
            group.targets = self.health(arn).await?;
        }
        Ok(found)
    }

    fn learnt(&self) -> std::sync::MutexGuard<'_, Learnt> {
        self.learnt.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Aws for Elb {
    fn balancers<'a>(
        &'a self,
        hosts: &'a [String],
        tags: &'a BTreeSet<String>,
    ) -> BoxFuture<'a, Result<Found, Failure>> {
        Box::pin(self.ask(hosts, tags))
    }

    fn targets<'a>(&'a self, arn: &'a str) -> BoxFuture<'a, Result<Vec<Target>, Failure>> {
        Box::pin(async move { Ok(self.health(arn).await?) })
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let not_found = error.code() == "LoadBalancerNotFound";
        Failure { message: error.to_string(), not_found, after: error.after() }
    }
}

/// Reads the result of an action.
fn result<R>(action: &str, body: &str, read: impl FnOnce(Node<'_, '_>) -> R) -> Result<R, Error> {
    let unreadable = |message: String| Error::Unreadable { action: action.to_owned(), message };
    let document = xml::parse(body).map_err(|error| unreadable(error.to_string()))?;
    let name = format!("{action}Result");
    let result = xml::child(document.root_element(), &name).ok_or_else(|| unreadable(format!("it has no {name}")))?;
    Ok(read(result))
}

/// The weights of a forward action. One that names a single target group gives it everything.
fn forwards(action: Node<'_, '_>) -> BTreeMap<String, u32> {
    let group = |member| {
        let weight = xml::text(member, &["Weight"]);
        (xml::text(member, &["TargetGroupArn"]), weight.parse().unwrap_or(1))
    };
    let weights: BTreeMap<String, u32> = xml::members(action, &["ForwardConfig", "TargetGroups"]).map(group).collect();
    if weights.is_empty() { [(xml::text(action, &["TargetGroupArn"]), 1)].into() } else { weights }
}

fn group(member: Node<'_, '_>) -> (String, Group) {
    let text = |name: &str| xml::text(member, &[name]);
    let group = Group {
        name: text("TargetGroupName"),
        of_addresses: text("TargetType") == "ip",
        ipv6: text("IpAddressType") == "ipv6",
        ..Group::default()
    };
    (text("TargetGroupArn"), group)
}

fn target(member: Node<'_, '_>) -> Target {
    let text = |path: &[&str]| xml::text(member, path);
    Target {
        id: text(&["Target", "Id"]),
        state: text(&["TargetHealth", "State"]),
        reason: text(&["TargetHealth", "Reason"]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What moto 5.1.22 answered, with shorter names.
    fn recorded<R>(action: &str, body: &str, read: impl FnOnce(Node<'_, '_>) -> R) -> R {
        result(action, body, read).expect("it reads")
    }

    #[test]
    fn a_rule_divides_requests_or_gives_all_to_one() {
        let rules = recorded("DescribeRules", include_str!("recorded/rules.xml"), |result| {
            let actions = xml::members(result, &["Rules"]).flat_map(|rule| xml::members(rule, &["Actions"]));
            actions.filter(|action| xml::text(*action, &["Type"]) == "forward").map(forwards).collect::<Vec<_>>()
        });
        let arn = |name: &str| format!("arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/{name}/1");
        assert_eq!(rules, [[(arn("canary"), 20), (arn("stable"), 80)].into(), [(arn("stable"), 1)].into()]);
    }

    #[test]
    fn target_groups_and_their_targets_are_read() {
        let groups = recorded("DescribeTargetGroups", include_str!("recorded/groups.xml"), |result| {
            xml::members(result, &["TargetGroups"]).map(group).collect::<Vec<_>>()
        });
        let kinds = groups.iter().map(|(_, it)| (it.name.as_str(), it.of_addresses, it.ipv6));
        assert_eq!(kinds.collect::<Vec<_>>(), [("canary", true, false), ("six", true, true), ("nodes", false, false)]);
        let targets = recorded("DescribeTargetHealth", include_str!("recorded/health.xml"), |result| {
            xml::members(result, &["TargetHealthDescriptions"]).map(target).collect::<Vec<_>>()
        });
        let target =
            |id: &str, state: &str, reason: &str| Target { id: id.into(), state: state.into(), reason: reason.into() };
        let draining = target("10.0.0.6", "draining", "Target.DeregistrationInProgress");
        assert_eq!(targets, [target("10.0.0.5", "healthy", ""), draining]);
    }

    #[test]
    fn what_is_no_answer_is_an_error_and_not_an_empty_list() {
        let entities = "<!DOCTYPE a [<!ENTITY b \"c\">]><DescribeRulesResponse>&b;</DescribeRulesResponse>";
        for body in ["", "{}", "<DescribeRulesResponse/>", "<a><b></a>", entities] {
            let error = result("DescribeRules", body, |_| ()).expect_err(body).to_string();
            assert!(error.starts_with("AWS answers DescribeRules with what does not read: "), "{error}");
        }
    }
}
