//! What filters and actions have in common: `[Definition]`, `[Init]`, arguments, tags (behaviour §1.7, 1.12).
//!
//! An argument of the jail beats `[Init]`, which beats `[Definition]`. Conditional options (`x?family=inet6`)
//! ride along: an argument also replaces its conditional twins unless they are given themselves.

use crate::interp::{Scope, Vars};
use crate::layers::Merged;
use crate::tags::substitute;
use crate::text::Text;
use base::Diagnostic;
use std::collections::BTreeMap;
use std::ops::Bound;

/// A filter's or an action's files with the arguments that a jail gives.
pub(crate) struct Definition<'a> {
    merged: &'a Merged,
    /// `[Init]` and arguments; what an argument replaced is `known/NAME`.
    init: Vars,
    /// The definition's own options, seen with `init` and what the jail lends above them.
    scope: Scope<'a>,
    /// The same without `[Init]`: how tags see what is not among the options.
    bare: Scope<'a>,
    /// Tags that stay for run time; an action's conditional tags stay as well.
    run_time: &'a [&'a str],
}

impl<'a> Definition<'a> {
    /// `lent` are values of the jail. Those of them that the files define as well stand above the files' own.
    pub(crate) fn of_filter(
        merged: &'a Merged,
        arguments: &Vars,
        mut lent: Vars,
    ) -> Result<Self, Diagnostic> {
        let own = merged.section("Definition");
        lent.retain(|key, _| own.is_some_and(|own| own.contains_key(key)));
        Self::new(merged, arguments, Vars::new(), lent, &[])
    }

    /// `lent` are values of the jail that `%(name)s` and `<name>` find, below arguments and `[Init]`.
    pub(crate) fn of_action(
        merged: &'a Merged,
        arguments: &Vars,
        lent: Vars,
        run_time: &'a [&'a str],
    ) -> Result<Self, Diagnostic> {
        Self::new(merged, arguments, lent.clone(), lent, run_time)
    }

    fn new(
        merged: &'a Merged,
        arguments: &Vars,
        seen: Vars,
        lent: Vars,
        run_time: &'a [&'a str],
    ) -> Result<Self, Diagnostic> {
        // Variables have no upper case, as options have none.
        let lower = |(key, text): (&String, &Text)| (key.to_lowercase(), text.clone());
        let mut bare = Scope::new(merged, "Definition");
        bare.vars = seen;
        bare.vars.extend(arguments.iter().map(lower));
        let mut of_init = Scope::new(merged, "Init");
        of_init.vars = lent;
        of_init.vars.extend(arguments.iter().map(lower));
        let mut init = arguments.clone();
        for key in merged
            .section("Init")
            .into_iter()
            .flat_map(|slots| slots.keys())
        {
            let Some(value) = of_init.own(key)? else {
                continue;
            };
            init.insert(format!("known/{key}"), value.clone());
            if !init.contains_key(key) {
                let twin = key
                    .split_once('?')
                    .and_then(|(name, _)| arguments.get(name));
                init.insert(key.clone(), twin.cloned().unwrap_or(value));
            }
        }
        let mut scope = Scope::new(merged, "Definition");
        scope.vars = of_init.vars;
        scope.vars.extend(init.iter().map(lower));
        Ok(Self {
            merged,
            init,
            scope,
            bare,
            run_time,
        })
    }

    /// An option by the usual precedence, its tags replaced.
    pub(crate) fn get(&self, key: &str) -> Result<Option<Text>, Diagnostic> {
        let text = match self.init.get(key) {
            Some(text) => Some(text.clone()),
            None => self.scope.get(key)?,
        };
        text.map(|text| substitute(key, &text, &mut |tag| self.tag(tag)))
            .transpose()
    }

    fn tag(&self, tag: &str) -> Result<Option<Text>, Diagnostic> {
        if self.run_time.contains(&tag) || (!self.run_time.is_empty() && self.is_conditional(tag)) {
            return Ok(None);
        }
        if let Some(text) = self.init.get(tag) {
            return Ok(Some(text.clone()));
        }
        if self.run_time.is_empty() && self.is_own(tag) {
            return match self.scope.vars.get(tag) {
                Some(text) => Ok(Some(text.clone())),
                None => self.scope.own(tag),
            };
        }
        let Some((section, key)) = tag.split_once('/') else {
            let key = tag.to_lowercase();
            return match self.bare.vars.get(&key) {
                Some(text) => Ok(Some(text.clone())),
                None => self.bare.get(&key),
            };
        };
        // What no later layer replaced is its own earlier value.
        if section.eq_ignore_ascii_case("known") {
            return match self.bare.addressed(tag)? {
                Some(text) => Ok(Some(text)),
                None => self.bare.get(&key.to_lowercase()),
            };
        }
        match self.merged.section(section).is_some() || section.eq_ignore_ascii_case("default") {
            true => self.bare.elsewhere(tag),
            false => Ok(None),
        }
    }

    /// An error if one of these options cannot be read, whatever its tags are.
    pub(crate) fn check_options(&self, keys: &[&str]) -> Result<(), Diagnostic> {
        let own = keys.iter().filter(|key| !self.init.contains_key(**key));
        own.map(|key| self.scope.get(key))
            .try_for_each(|read| read.map(drop))
    }

    /// An error if one of the arguments or of `[Init]` refers to itself, used or not.
    pub(crate) fn check_arguments(&self) -> Result<(), Diagnostic> {
        for (key, text) in &self.init {
            substitute(key, text, &mut |tag| self.tag(tag))?;
        }
        Ok(())
    }

    /// `[Init]` and arguments, their tags not replaced.
    pub(crate) fn arguments(&self) -> impl Iterator<Item = (&str, &Text)> {
        let init = self.init.iter().map(|(key, text)| (key.as_str(), text));
        init.filter(|(key, _)| !key.starts_with("known/"))
    }

    /// Every option that the definition, `[Init]` or the jail sets, sorted.
    pub(crate) fn keys(&self) -> Vec<String> {
        let own = self
            .merged
            .section("Definition")
            .into_iter()
            .flat_map(|slots| slots.keys());
        let init = self.init.keys().filter(|key| !key.starts_with("known/"));
        let mut keys: Vec<String> = own.chain(init).cloned().collect();
        keys.sort();
        keys.dedup();
        keys
    }

    fn is_own(&self, key: &str) -> bool {
        let own = self.merged.section("Definition");
        own.is_some_and(|own| own.contains_key(key))
    }

    /// True if some condition hangs on this tag: its value is chosen at run time.
    fn is_conditional(&self, tag: &str) -> bool {
        begins(&self.init, &format!("{tag}?"))
    }
}

/// True if some key begins with the text.
fn begins<T>(map: &BTreeMap<String, T>, start: &str) -> bool {
    let mut from = map.range::<str, _>((Bound::Included(start), Bound::Unbounded));
    from.next().is_some_and(|(key, _)| key.starts_with(start))
}
