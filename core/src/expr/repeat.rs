//! Loops: functions that run an expression for every item of a list.

use std::collections::BTreeMap;

use super::ast::{Expr, Loop, What};
use super::builtins::arrays;
use super::error::Refusal;
use super::eval::{Made, Run, Stop, failed, stop};
use super::operators;
use super::value::{Shape, TooDeep, Value};

/// What a loop is at.
pub(super) struct Scope {
    pub(super) item: Value,
    pub(super) index: usize,
    pub(super) acc: Value,
}

/// Where something was found, if it was.
fn place(found: Option<usize>) -> Value {
    found.map_or(Value::Nil, |at| Value::Int(at as i64))
}

impl<'a> Run<'a, '_> {
    pub(super) fn repeat(&mut self, at: usize, of: &'a Loop) -> Made {
        let array = match self.value(&of.of)? {
            Value::Array(array) => array,
            other => {
                let why = format!("{} takes only array (got {})", of.what.name(), other.kind_name());
                return Err(failed(of.of.at, why));
            }
        };
        let items = &array.items[..];
        match of.what {
            What::All => self.search(of, items, false).map(|found| Value::Bool(found.is_none())),
            What::None => self.search(of, items, true).map(|found| Value::Bool(found.is_none())),
            What::Any => self.search(of, items, true).map(|found| Value::Bool(found.is_some())),
            What::One => self.matching(of, items).map(|found| Value::Bool(found.len() == 1)),
            What::Count => self.matching(of, items).map(|found| Value::Int(found.len() as i64)),
            What::Filter => {
                let found: Vec<Value> = self.matching(of, items)?.into_iter().map(|at| items[at].clone()).collect();
                self.work.spend_on_items(found.len()).map_err(stop(at))?;
                Value::array(found).map_err(|deep| failed(at, deep.to_string()))
            }
            What::Map => {
                self.work.spend_on_items(items.len()).map_err(stop(at))?;
                let made = self.each(of, items)?;
                Value::array(made).map_err(|deep| failed(at, deep.to_string()))
            }
            What::Find => Ok(self.search(of, items, true)?.map_or(Value::Nil, |at| items[at].clone())),
            What::FindIndex => Ok(place(self.search(of, items, true)?)),
            What::FindLast => Ok(self.search_back(of, items)?.map_or(Value::Nil, |at| items[at].clone())),
            What::FindLastIndex => Ok(place(self.search_back(of, items)?)),
            What::Sum => self.sum(at, of, items),
            What::GroupBy => self.group(at, of, items),
            What::SortBy => self.sort(at, of, items),
            What::Reduce => self.reduce(at, of, items),
        }
    }

    /// What the body says of an item; without a body, the item itself.
    fn body(&mut self, of: &'a Loop, index: usize, item: &Value, acc: Value) -> Made {
        let Some(body) = &of.body else { return Ok(item.clone()) };
        self.scopes.push(Scope { item: item.clone(), index, acc });
        let made = self.value(body);
        self.scopes.pop();
        made
    }

    fn says(&mut self, of: &'a Loop, index: usize, item: &Value) -> Result<bool, Stop> {
        match self.body(of, index, item, Value::Nil)? {
            Value::Bool(flag) => Ok(flag),
            other => {
                let at = of.body.as_ref().map_or(of.of.at, |body: &Expr| body.at);
                Err(failed(at, format!("predicate should return boolean (got {})", other.kind_name())))
            }
        }
    }

    /// The place of the first item of which the body says this.
    fn search(&mut self, of: &'a Loop, items: &[Value], wanted: bool) -> Result<Option<usize>, Stop> {
        for (index, item) in items.iter().enumerate() {
            if self.says(of, index, item)? == wanted {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    fn search_back(&mut self, of: &'a Loop, items: &[Value]) -> Result<Option<usize>, Stop> {
        for (index, item) in items.iter().enumerate().rev() {
            if self.says(of, index, item)? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    }

    /// The places of all items of which the body says yes.
    fn matching(&mut self, of: &'a Loop, items: &[Value]) -> Result<Vec<usize>, Stop> {
        let mut found = Vec::new();
        for (index, item) in items.iter().enumerate() {
            if self.says(of, index, item)? {
                found.push(index);
            }
        }
        Ok(found)
    }

    fn each(&mut self, of: &'a Loop, items: &[Value]) -> Result<Vec<Value>, Stop> {
        items.iter().enumerate().map(|(index, item)| self.body(of, index, item, Value::Nil)).collect()
    }

    fn sum(&mut self, at: usize, of: &'a Loop, items: &[Value]) -> Made {
        let mut sum = Value::Int(0);
        for (index, item) in items.iter().enumerate() {
            let next = self.body(of, index, item, Value::Nil)?;
            let added = operators::add(&sum, &next, &mut self.work).map_err(stop(at))?;
            let Some(added) = added else {
                return Err(failed(at, format!("invalid operation: {} + {}", sum.kind_name(), next.kind_name())));
            };
            sum = added;
        }
        Ok(sum)
    }

    fn group(&mut self, at: usize, of: &'a Loop, items: &[Value]) -> Made {
        self.work.spend_on_items(items.len() * 2).map_err(stop(at))?;
        let mut groups: BTreeMap<_, Vec<Value>> = BTreeMap::new();
        for (index, item) in items.iter().enumerate() {
            let made = self.body(of, index, item, Value::Nil)?;
            self.work.spend_on_text(made.text_length()).map_err(stop(at))?;
            let key = made.as_key().ok_or_else(|| failed(at, format!("cannot group by {}", made.kind_name())))?;
            groups.entry(key).or_default().push(item.clone());
        }
        let arrays = groups.into_iter().map(|(key, items)| Value::array(items).map(|array| (key, array)));
        let made = arrays.collect::<Result<_, TooDeep>>().and_then(|entries| Value::map_of(Shape::Groups, entries));
        made.map_err(|deep| failed(at, deep.to_string()))
    }

    fn sort(&mut self, at: usize, of: &'a Loop, items: &[Value]) -> Made {
        let keys = self.each(of, items)?;
        let order = of.more.as_ref().map(|order| self.value(order)).transpose()?;
        let order: Vec<Value> = order.into_iter().collect();
        let keyed = keys.into_iter().zip(items.iter().cloned()).collect();
        let sorted = arrays::is_descending("sortBy", &order, 0)
            .and_then(|descending| arrays::sorted(keyed, descending, &mut self.work))
            .and_then(|items| Value::array(items).map_err(Refusal::from));
        sorted.map_err(stop(at))
    }

    fn reduce(&mut self, at: usize, of: &'a Loop, items: &[Value]) -> Made {
        let mut rest = items.iter().enumerate();
        let mut acc = match &of.more {
            Some(first) => self.value(first)?,
            None => match rest.next() {
                Some((_, first)) => first.clone(),
                None => return Err(failed(at, "reduce of empty array with no initial value")),
            },
        };
        for (index, item) in rest {
            acc = self.body(of, index, item, acc)?;
        }
        Ok(acc)
    }
}
