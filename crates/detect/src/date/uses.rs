//! What was learnt of each template, for people who look for the date format of their log.

use super::template::{Draft, Kind, Template};
use super::{DateDetector, DateState};
use crate::pyre::{Cache, Outcome};

/// A template and how often it found the date.
#[derive(Clone, Copy, Debug)]
pub struct TemplateUse<'a> {
    /// Lines whose date it found.
    pub hits: u32,
    /// What its hits count for against other templates.
    pub weight: f64,
    template: &'a Template,
    start_year: i32,
}

impl TemplateUse<'_> {
    /// As fail2ban names it.
    pub fn name(&self) -> &str {
        &self.template.name
    }

    /// How much one hit counts.
    pub fn own_weight(&self) -> f64 {
        self.template.weight
    }

    /// The pattern as it is written; empty for seconds since 1970 and TAI64N, which are words and no patterns.
    pub fn pattern(&self) -> &str {
        &self.template.source
    }

    /// The regular expression that the pattern stands for.
    pub fn regex(&self) -> String {
        let source = &self.template.source;
        // In what is searched for all groups have names; people want to see their pattern.
        let drafted = match self.template.kind {
            Kind::Calendar(_) => Draft::calendar(source, self.start_year).ok(),
            Kind::Epoch { .. } | Kind::Tai64n => None,
        };
        let searched = || self.template.regex.pattern().to_owned();
        drafted.map_or_else(searched, Draft::into_regex)
    }
}

impl DateDetector {
    /// All templates in the order in which they are tried now.
    pub(crate) fn uses<'a>(
        &'a self,
        state: &'a DateState,
    ) -> impl Iterator<Item = TemplateUse<'a>> {
        state.places.iter().map(|place| {
            let template = &self.templates[place.template];
            TemplateUse {
                hits: place.hits(),
                weight: place.weight(template),
                template,
                start_year: self.start_year,
            }
        })
    }

    /// What the whole is called: its first template, or nothing if built-in formats are among them.
    pub fn title(&self) -> Option<&str> {
        if self.has_group {
            return None;
        }
        self.template_name(0)
    }

    /// Whether the date that a template found in `line` names a zone, or the patterns were given one. fail2ban counts
    /// whole seconds then, and else seconds with a fraction.
    pub fn zone_is_known(&self, template: usize, line: &str) -> bool {
        let Some(template) = self.templates.get(template) else {
            return false;
        };
        let groups = match &template.kind {
            Kind::Calendar(_) if self.zone != super::ZoneSpec::Local => return true,
            Kind::Calendar(groups) => groups,
            Kind::Epoch { .. } => return false,
            Kind::Tai64n => return true,
        };
        let mut slots = Vec::new();
        let mut cache = Cache::default();
        let zones = groups
            .iter()
            .filter(|(field, _)| *field == super::directive::Field::Zone);
        matches!(
            template.regex.search(&mut cache, line, &mut slots),
            Outcome::Match
        ) && zones
            .clone()
            .any(|(_, group)| slots.get(2 * group).is_some_and(Option::is_some))
    }
}
