//! Which rules an object breaks.

use serde_json::Value;
use sluice_cel::{self as cel, Budget, Error, Program, Type, Val};

use super::Rule;
use crate::refusal::Cause;
use crate::schema::path::Path;
use crate::schema::{Schema, Type as Kind};

/// The steps that the rules of an object may take together, and each of them.
const ALL: u64 = 10_000_000;
const EACH: u64 = 1_000_000;
/// The longest message that an expression can make.
const LONGEST: usize = 5 * 1024;

/// The rules that `new` breaks, which replaces `old`.
///
/// What has not changed is not held against an update; only rules about the change itself are asked.
pub(in crate::schema) fn broken(schema: &Schema, new: &Value, old: Option<&Value>) -> Vec<Cause> {
    let mut walk = Walk { path: Path::default(), causes: Vec::new(), left: ALL };
    // Nothing more is run once the steps are used up.
    let _ = walk.node(schema, new, old, false);
    walk.causes
}

/// The steps are used up.
struct Stop;

struct Walk {
    path: Path,
    causes: Vec<Cause>,
    left: u64,
}

impl Walk {
    /// Goes down; `unchanged` says that all of it stands in something that is as it was.
    fn node(&mut self, schema: &Schema, new: &Value, old: Option<&Value>, unchanged: bool) -> Result<(), Stop> {
        if !schema.has_rules || new.is_null() {
            return Ok(());
        }
        let old = old.filter(|old| !old.is_null());
        let unchanged = old.map_or(unchanged, |old| old == new);
        self.rules(schema, new, old, unchanged)?;
        match new {
            Value::Object(object) => {
                for (name, value) in object {
                    if let Some(property) = schema.property(name) {
                        let mark = if schema.properties.contains_key(name) {
                            self.path.enter(name)
                        } else {
                            self.path.enter_key(name)
                        };
                        self.node(property, value, old.and_then(|old| old.get(name)), unchanged)?;
                        self.path.leave(mark);
                    }
                }
            }
            Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    let mark = self.path.enter_item(index);
                    self.node(schema.item(), item, schema.counterpart(item, old), unchanged)?;
                    self.path.leave(mark);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn rules(&mut self, schema: &Schema, new: &Value, old: Option<&Value>, unchanged: bool) -> Result<(), Stop> {
        for rule in &schema.rules.all {
            let compares = rule.compares();
            if compares && old.is_none() && !rule.written.is_optional() || unchanged && !compares {
                continue;
            }
            let kind = schema.rules.kind.as_ref().unwrap_or(&Type::Dyn);
            let ask = Ask { rule, kind, new, old };
            self.rule(schema, &ask)?;
        }
        Ok(())
    }

    fn rule(&mut self, schema: &Schema, ask: &Ask<'_>) -> Result<(), Stop> {
        let (rule, shown) = (ask.rule, Value::from(type_name(schema.kind)));
        let at = match self.path.text() {
            "" => "<nil>".to_owned(),
            at => at.to_owned(),
        };
        let program = match &rule.holds {
            None => return Ok(()),
            Some(Err(why)) => {
                self.causes.push(Cause::invalid(at, &shown, &format!("rule compile error: {why}")));
                return Ok(());
            }
            Some(Ok(program)) => program,
        };
        let mut invalid = |detail: &str| self.causes.push(Cause::invalid(at.clone(), &shown, detail));
        if self.left == 0 {
            invalid("validation failed due to running out of cost budget, no further validation rules will be run");
            return Err(Stop);
        }
        match ask.run(program, ask.rule.written.is_optional(), &mut self.left) {
            Ok(Val::Bool(true)) => {}
            Err(Error::Cost) => {
                let why = "no further validation rules will be run due to call cost exceeds limit for rule";
                let limit = "'operation cancelled: actual cost limit exceeded'";
                invalid(&format!("{limit}: {why}: {}", rule.written.shown()));
                return Err(Stop);
            }
            Err(Error::Failed(why)) if why.starts_with("no such overload") => {
                let did = "call arguments did not match a supported operator, function or macro signature for rule";
                invalid(&format!("'{why}': {did}: {}", rule.written.shown()));
            }
            Err(Error::Failed(why)) => invalid(&format!("{why} evaluating rule: {}", rule.written.shown())),
            Ok(_) => {
                let at = match (rule.place.as_str(), self.path.text()) {
                    ("", _) => at,
                    (place, "") => place.to_owned(),
                    (place, at) => format!("{at}.{place}"),
                };
                let message = match ask.message(&mut self.left) {
                    Ok(message) => message,
                    Err(why) => {
                        self.causes.push(Cause::invalid(at, &shown, &why));
                        return Err(Stop);
                    }
                };
                self.causes.push(match rule.written.reason.as_deref() {
                    Some("FieldValueForbidden") => Cause::forbidden(at, &message),
                    Some("FieldValueRequired") => Cause::required(at, &message),
                    Some("FieldValueDuplicate") => Cause::duplicate(at, &shown),
                    _ => Cause::invalid(at, &shown, &message),
                });
            }
        }
        Ok(())
    }
}

/// A rule, asked of a value.
struct Ask<'a> {
    rule: &'a Rule,
    kind: &'a Type,
    new: &'a Value,
    old: Option<&'a Value>,
}

impl<'a> Ask<'a> {
    /// What to say of a rule that does not hold: what its expression makes, or else what is written. An error ends it all.
    fn message(&self, left: &mut u64) -> Result<String, String> {
        let written = &self.rule.written;
        let Some(Ok(program)) = &self.rule.says else { return Ok(written.told()) };
        // Even where the rule takes the old value for one that may be missing, its message does not.
        match self.run(program, false, left) {
            Ok(Val::String(text)) => {
                let text = text.trim();
                let fits = !text.is_empty() && text.len() <= LONGEST && !text.contains('\n');
                Ok(if fits { text.to_owned() } else { written.told() })
            }
            Err(Error::Cost) => {
                let why =
                    "no further validation rules will be run due to call cost exceeds limit for messageExpression";
                Err(format!("{why}: {:?}", written.message_expression))
            }
            _ => Ok(written.told()),
        }
    }

    fn run(&self, program: &'a Program, optional: bool, left: &mut u64) -> Result<Val<'a>, Error> {
        let own = cel::value(self.new, self.kind)?;
        let mut variables = vec![("self", own)];
        let old = self.old.map(|old| cel::value(old, self.kind)).transpose()?;
        match old {
            old if optional => variables.push(("oldSelf", Val::optional(old))),
            Some(old) => variables.push(("oldSelf", old)),
            None => {}
        }
        let allowed = EACH.min(*left);
        let mut budget = Budget::new(allowed);
        let result = program.run(variables, &mut budget);
        *left -= allowed - budget.left();
        result
    }
}

/// The type as it is written in a schema.
fn type_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Any | Kind::IntOrString => "",
        Kind::Object => "object",
        Kind::Array => "array",
        Kind::String => "string",
        Kind::Integer => "integer",
        Kind::Number => "number",
        Kind::Boolean => "boolean",
    }
}
