//! Every rule between parameters of every mode of the catalogue, with what is accepted and what is refused.

use crate::rule_cases::{broken_cases, kept_cases};
use crate::samples::{Params, least, wanted};
use storyreel::catalog::{
    Catalog, Check, Confidence, Mode, Model, Parameter, ParameterProblem, Rule,
};

pub(crate) fn modes(catalog: &Catalog) -> impl Iterator<Item = (&Model, &Mode)> {
    catalog.models().iter().flat_map(|model| model.modes.iter().map(move |mode| (model, mode)))
}

pub(crate) fn rules(catalog: &Catalog) -> impl Iterator<Item = (&Model, &Mode, &Rule)> {
    modes(catalog).flat_map(|(model, mode)| mode.rules.iter().map(move |rule| (model, mode, rule)))
}

/// The mode with one of its rules and no limits of its parameters, so that only the rule can say no.
pub(crate) fn bare(mode: &Mode, rule: Option<&Rule>, params: &Params) -> Mode {
    let mut bare = ruleless(mode, params);
    for parameter in &mut bare.parameters {
        *parameter = Parameter {
            name: parameter.name.clone(),
            wire_type: parameter.wire_type,
            always: parameter.always || parameter.required,
            default: parameter.default.clone(),
            ..Parameter::default()
        };
    }
    for (name, value) in std::mem::take(&mut bare.set) {
        bare.parameters.push(Parameter {
            name,
            always: true,
            default: Some(value),
            ..Parameter::default()
        });
    }
    bare.rules = rule.cloned().into_iter().collect();
    bare
}

/// What a rule says about parameters, whether it stops them or warns.
fn breaches(mode: &Mode, rule: &Rule, params: &Params) -> Vec<ParameterProblem> {
    told(&bare(mode, Some(rule), params), params)
}

/// The same, where nothing is sent that the author did not say and that the rule would miss.
fn strict_breaches(mode: &Mode, rule: &Rule, params: &Params) -> Vec<ParameterProblem> {
    let mut bare = bare(mode, Some(rule), params);
    if let Check::RequiredUnless { field, .. } = &rule.check {
        for parameter in bare.parameters.iter_mut().filter(|parameter| parameter.name == *field) {
            parameter.default = None;
        }
    }
    told(&bare, params)
}

fn told(mode: &Mode, params: &Params) -> Vec<ParameterProblem> {
    match mode.compose(&wanted(params)) {
        Ok(composed) => composed.warnings,
        Err(problems) => problems,
    }
}

/// The parameters with others changed until no rule but `sparing` is broken; those that are `held` stay as they are.
pub(crate) fn mended(
    mode: &Mode,
    params: &Params,
    sparing: Option<&Rule>,
    held: &[&str],
    depth: usize,
) -> Option<Params> {
    let broken = mode
        .rules
        .iter()
        .find(|rule| sparing != Some(*rule) && !breaches(mode, rule, params).is_empty());
    let Some(broken) = broken else {
        return Some(params.clone());
    };
    if depth == 0 {
        return None;
    }
    kept_cases(mode, &broken.check, params)
        .into_iter()
        .filter(|case| held.iter().all(|name| case.get(*name) == params.get(*name)))
        .filter(|case| is_legal(mode, case) || !is_legal(mode, params))
        .find_map(|case| mended(mode, &case, sparing, held, depth - 1))
}

/// The word for a kind of rule.
pub(crate) fn kind(rule: &Rule) -> String {
    let check = serde_json::to_value(&rule.check).expect("a rule in JSON");
    check.as_object().and_then(|check| check.keys().next().cloned()).expect("a kind")
}

/// A rule in a few words.
pub(crate) fn short(mode: &Mode, rule: &Rule) -> String {
    format!("{} {} {}", mode.model, mode.kind, kind(rule))
}

/// The names under which messages speak of a rule's parameters: their own, and those of the fields that feed them.
fn names(mode: &Mode, rule: &Rule) -> Vec<String> {
    let own = rule.parameters();
    let fields = own.iter().filter_map(|name| mode.parameter(name)).flat_map(|p| p.from.clone());
    own.iter().map(ToString::to_string).chain(fields).map(|name| format!("`{name}")).collect()
}

/// A case of a rule without breaches of others: as it is, or at least under the same condition.
fn settled(mode: &Mode, rule: &Rule, case: &Params) -> Option<Params> {
    let check = serde_json::to_value(&rule.check).expect("a rule in JSON");
    let when = check.as_object()?.values().next()?["when"].as_object();
    let condition: Option<Vec<&str>> = when.map(|when| when.keys().map(String::as_str).collect());
    mended(mode, case, None, &rule.parameters(), 3)
        .or_else(|| mended(mode, case, None, &condition?, 3))
}

/// Requests that keep a rule of a mode and everything else.
pub(crate) fn kept(mode: &Mode, rule: &Rule) -> Vec<Params> {
    let mut kept: Vec<Params> = kept_cases(mode, &rule.check, &least(mode))
        .iter()
        .filter_map(|case| settled(mode, rule, case))
        .filter(|case| mode.compose(&wanted(case)).is_ok_and(|done| done.warnings.is_empty()))
        .collect();
    kept.dedup();
    kept
}

/// Requests that break a rule of a mode, and no other where that is possible.
pub(crate) fn broken(mode: &Mode, rule: &Rule) -> Vec<Params> {
    let held = rule.parameters();
    broken_cases(mode, &rule.check, &least(mode))
        .into_iter()
        .map(|case| mended(mode, &case, Some(rule), &held, 3).unwrap_or(case))
        .filter(|case| !strict_breaches(mode, rule, case).is_empty())
        .collect()
}

pub(crate) fn is_missed(check: &Check, name: &str) -> bool {
    matches!(check, Check::RequiredUnless { field, .. } if field == name)
}

/// Whether what a rule asks for is sent when the author says nothing.
pub(crate) fn is_sent_anyway(check: &Check, sent: &Params) -> bool {
    matches!(check, Check::RequiredUnless { field, .. } if sent.contains_key(field))
}

/// The mode without its rules: what its parameters say alone, but for those that others replace.
pub(crate) fn ruleless(mode: &Mode, params: &Params) -> Mode {
    let mut ruleless = Mode { rules: Vec::new(), ..mode.clone() };
    ruleless.parameters.retain(|parameter| {
        params.contains_key(&parameter.name)
            || !mode.is_replaced(&parameter.name, |name| params.contains_key(name))
    });
    ruleless
}

fn is_legal(mode: &Mode, params: &Params) -> bool {
    ruleless(mode, params).compose(&wanted(params)).is_ok()
}

/// Rules of which a mode's own parameters keep what they forbid away: both frames are needed there, another number of
/// pictures is refused, or the kind of generation is a constant. What breaks them is refused without them.
const KEPT_ALREADY: &[&str] = &[
    "Gemini Omni Flash 1.1 first-last requires",
    "Grok Imagine i2v when_max_items",
    "Grok Imagine 1.5 i2v when_max_items",
    "Kling 3.0 i2v when_max_items",
    "Kling 3.0 i2v requires",
    "Kling 3.0 first-last when_required",
    "Kling 3.0 first-last sum_equals",
    "Kling 3.0 first-last when_max_items",
    "Kling 3.0 first-last requires",
    "MiniMax H3 first-last at_least_one_of",
    "Seedance 2 first-last requires",
    "Seedance 2 Fast first-last requires",
    "Seedance 2 Mini first-last requires",
    "Seedance 2.5 first-last requires",
    "Veo 3.1 Market t2v when_allowed",
    "Veo 3.1 Market i2v when_allowed",
    "Veo 3.1 Market i2v when_required",
    "Veo 3.1 Market i2v when_required",
    "Veo 3.1 Market first-last when_allowed",
    "Veo 3.1 Market first-last when_required",
    "Veo 3.1 Market first-last when_required",
    "Veo 3.1 Market reference when_required",
    "Veo 3.1 Market reference when_required",
    "Wan 2.2 speech multiple_of",
    "Wan 2.7 first-last requires",
    "Wan 2.7 v2v range_or",
    "Wan 3.0 first-last requires",
    "Wan 3.0 Prime first-last requires",
];

#[test]
fn every_rule_of_every_mode_accepts_what_keeps_it_and_refuses_what_breaks_it() {
    let catalog = Catalog::built_in().expect("the built-in catalogue");
    let (mut count, mut accepted, mut refused) = (0, 0, 0);
    let (mut kept_already, mut sent_anyway) = (Vec::new(), Vec::new());
    for (_, mode, rule) in rules(&catalog) {
        count += 1;
        let short = short(mode, rule);
        let about = format!("{short}: {:?}", rule.check);
        let kept = kept(mode, rule);
        assert!(!kept.is_empty(), "nothing is accepted by {about}");
        accepted += kept.len();
        let broken = broken(mode, rule);
        assert!(!broken.is_empty(), "nothing breaks {about}");
        let (mut by_rule, mut never) = (false, false);
        for case in &broken {
            let breach = strict_breaches(mode, rule, case).remove(0);
            let names = names(mode, rule);
            let named = |problem: &ParameterProblem| {
                names.iter().any(|name| problem.message.contains(name.as_str()))
            };
            assert!(breach.code == "rule" && named(&breach), "{about}: {breach:?}");
            let told = match mode.compose(&wanted(case)) {
                Ok(composed) if rule.confidence != Confidence::High => composed.warnings,
                Ok(composed) if is_sent_anyway(&rule.check, &composed.parameters) => {
                    never = true;
                    continue;
                }
                Ok(_) => panic!("{about} lets {case:?} pass"),
                Err(problems) => problems,
            };
            refused += 1;
            let is_told = told.iter().any(|problem| problem.message == breach.message);
            assert!(is_told || told.iter().any(named), "{about}: {case:?} {told:?}");
            by_rule |= is_told;
        }
        if never {
            sent_anyway.push(short);
        } else if !by_rule {
            kept_already.push(short);
        } else {
            // Not only where the rule has nothing to say.
            let mut points = kept_cases(mode, &rule.check, &least(mode));
            if !matches!(rule.check, Check::ForbiddenCombination { .. }) {
                points.truncate(1);
            }
            let mut settled = points.iter().filter_map(|case| settled(mode, rule, case));
            assert!(settled.any(|case| kept.contains(&case)), "{about}: {points:?}");
        }
    }
    assert_eq!((count, accepted, refused), (106, 261, 168));
    assert_eq!(kept_already, KEPT_ALREADY);
    // A length is sent where nobody speaks of one.
    assert_eq!(sent_anyway, ["PixVerse V6 i2v required_unless"]);
}
