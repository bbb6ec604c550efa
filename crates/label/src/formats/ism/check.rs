//! Rules of the Schematron of IC-ISM (DES version 10) on a document: 33, 41, 67, 88, 199, 319 and 320.

use std::collections::BTreeSet;

use base::{Fault, FaultLevel, Timestamp};

use super::ISM;
use super::read::tokens;
use crate::Codes;
use crate::formats::complain;
use crate::formats::xml::{self, Element};

/// Groups that the rules take apart; every other word of four signs makes a list incomparable.
const EYES: [(&str, &[&str]); 3] = [
    ("FVEY", &["USA", "GBR", "CAN", "AUS", "NZL"]),
    ("ACGU", &["USA", "GBR", "CAN", "AUS"]),
    ("TEYE", &["USA", "GBR", "CAN"]),
];

/// Holds a document with IC-ISM attributes against the rules of the register that say who may have it:
///
/// | rule | what |
/// |---|---|
/// | `ISM-ID-00033` | REL, EYES and NF exclude each other |
/// | `ISM-ID-00041` | releasableTo: USA first, then countries, then groups, each in order |
/// | `ISM-ID-00067` | ORCON of a portion stands at the resource |
/// | `ISM-ID-00088` | a resource is releasable only when every classified portion is, and no unclassified portion is NF, DISPLAYONLY or RELIDO |
/// | `ISM-ID-00199` | releasableTo names no code that was withdrawn by the day of creation (by `codes`); one that will be is a warning |
/// | `ISM-ID-00319` | releasableTo has more than one code |
/// | `ISM-ID-00320` | releasableTo with displayOnlyTo of the resource is within those of every portion, and all that they have in common |
///
/// All but 199 speak of resources of the United States (`ownerProducer` has USA) only. Source: the public release of the
/// Schematron rules of 2011. Gives one fault with code `ism::NUMBER` for each violation, at the element and attribute.
pub fn check_ism(bytes: &[u8], codes: &Codes) -> Vec<Fault> {
    let text = match std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)) {
        Ok(text) => text,
        Err(_) => return vec![Fault::error("label::not_utf8", "the document is no UTF-8; convert it")],
    };
    let elements = match xml::elements(text) {
        Ok(elements) => elements,
        Err(fault) => return vec![*fault],
    };
    let Some(at) = resource(&elements) else {
        let message = "no element is the resource: set resourceElement=\"true\" on the one with the banner";
        return vec![Fault::error("ism::no_resource", message).in_field("resourceElement")];
    };
    let mut check = Check { resource: &elements[at], portions: portions(&elements, at), faults: Vec::new() };
    let us = tokens(check.resource, "ownerProducer").contains(&"USA");
    for element in elements.iter().filter(|element| has(element)) {
        check.withdrawn(element, codes);
        if us {
            check.exclusive(element);
            check.ordered(element);
            check.several(element);
        }
    }
    if us {
        check.orcon();
        check.releasable();
        check.common();
    }
    check.faults
}

/// The element with the banner: the first that says so, otherwise the first with a classification.
pub(super) fn resource(elements: &[Element]) -> Option<usize> {
    let says = |e: &Element| e.attribute(ISM, "resourceElement") == Some("true");
    elements.iter().position(says).or_else(|| elements.iter().position(super::is_marked))
}

fn has(element: &Element) -> bool {
    element.attributes.iter().any(|attribute| attribute.namespace == ISM)
}

/// The elements that count towards the banner.
fn portions(elements: &[Element], resource: usize) -> Vec<&Element> {
    elements
        .iter()
        .enumerate()
        .filter(|(index, e)| *index != resource && has(e))
        .map(|(_, element)| element)
        .filter(|element| element.attribute(ISM, "excludeFromRollup") != Some("true"))
        .collect()
}

struct Check<'e> {
    resource: &'e Element,
    portions: Vec<&'e Element>,
    faults: Vec<Fault>,
}

impl Check<'_> {
    fn fault(&mut self, rule: &str, element: &Element, field: &str, message: &str) {
        self.tell(FaultLevel::Error, rule, element, field, message);
    }

    fn tell(&mut self, level: FaultLevel, rule: &str, element: &Element, field: &str, message: &str) {
        let fault = Fault::error(&format!("ism::{rule}"), format!("ISM-ID-{rule}: {message}"));
        complain(&mut self.faults, element.place(Fault { level, ..fault }.in_field(field)));
    }

    fn exclusive(&mut self, element: &Element) {
        let controls = tokens(element, "disseminationControls");
        let found = controls.iter().filter(|token| ["REL", "EYES", "NF"].contains(token)).count();
        if found > 1 {
            self.fault(
                "00033",
                element,
                "disseminationControls",
                "REL, EYES and NF exclude each other; keep one",
            );
        }
    }

    fn ordered(&mut self, element: &Element) {
        let codes = tokens(element, "releasableTo");
        let rank = |code: &&str| (*code != "USA", code.len() > 3, (*code).to_owned());
        if !codes.windows(2).all(|pair| rank(&pair[0]) <= rank(&pair[1])) {
            let message =
                "the codes are out of order: USA first, then countries, then groups, each by letter";
            self.fault("00041", element, "releasableTo", message);
        }
    }

    fn several(&mut self, element: &Element) {
        let given = element.attribute(ISM, "releasableTo").is_some();
        if given && tokens(element, "releasableTo").len() < 2 {
            self.fault("00319", element, "releasableTo", "it must hold more than one code");
        }
    }

    fn withdrawn(&mut self, element: &Element, codes: &Codes) {
        let day = self.resource.attribute(ISM, "createDate").unwrap_or_default();
        // A time of day plays no part; without a day the present table decides.
        let day = day.get(..10).and_then(|day| format!("{day}T00:00:00Z").parse().ok());
        let day: Timestamp = day.unwrap_or_else(|| codes.as_of());
        for code in tokens(element, "releasableTo") {
            let Some(since) = codes.withdrawn(code) else { continue };
            let message =
                format!("`{}` was withdrawn on {since}; name the successor", super::super::cut(code));
            let level = if since > day { FaultLevel::Warning } else { FaultLevel::Error };
            self.tell(level, "00199", element, "releasableTo", &message);
        }
    }

    fn orcon(&mut self) {
        let oc = |element: &Element| tokens(element, "disseminationControls").contains(&"OC");
        if !oc(self.resource) && self.portions.iter().any(|portion| oc(portion)) {
            let message = "a portion is ORCON (OC) and the resource is not; add OC to it";
            self.fault("00067", self.resource, "disseminationControls", message);
        }
    }

    fn releasable(&mut self) {
        if self.resource.attribute(ISM, "releasableTo").is_none() {
            return;
        }
        for portion in self.portions.clone() {
            let controls = tokens(portion, "disseminationControls");
            let any = |words: &[&str]| controls.iter().any(|token| words.contains(token));
            let releasable = !tokens(portion, "releasableTo").is_empty();
            let open = match portion.attribute(ISM, "classification") {
                None => true,
                Some("U") => !any(&["NF"]) && (!any(&["DISPLAYONLY", "RELIDO"]) || any(&["REL"])),
                Some(_) => false,
            };
            if !open && !releasable {
                let message =
                    "the resource is releasable and this portion is not; take releasableTo off the resource";
                self.fault("00088", portion, "releasableTo", message);
            }
        }
    }

    fn common(&mut self) {
        let banner = seen_by(self.resource);
        if banner.is_empty() {
            return;
        }
        match self.in_common(&banner) {
            Common::Anybody => {}
            Common::Wider(portion) => {
                let message =
                    "the resource names a country that this portion does not; take it off the resource";
                self.fault("00320", portion, "releasableTo", message);
            }
            Common::Codes(common) if common.is_empty() => {
                let message =
                    "the portions have no country in common; take releasableTo and displayOnlyTo away";
                self.fault("00320", self.resource, "releasableTo", message);
            }
            Common::Codes(common) => {
                let exact = self.resource.attribute(ISM, "compilationReason").is_none();
                let within = is_within(&banner, &common);
                if !is_special(&banner) && !(within && (!exact || is_within(&common, &banner))) {
                    let codes = common.iter().map(String::as_str).collect::<Vec<_>>().join(" ");
                    let message = format!(
                        "the portions have these countries in common: {codes}; the resource names others"
                    );
                    self.fault("00320", self.resource, "releasableTo", &message);
                }
            }
        }
    }
}

/// What the portions allow.
enum Common<'e> {
    /// No portion says anything comparable.
    Anybody,
    /// The resource goes beyond this portion.
    Wider(&'e Element),
    Codes(BTreeSet<String>),
}

impl<'e> Check<'e> {
    fn in_common(&self, banner: &BTreeSet<String>) -> Common<'e> {
        let mut common: Option<BTreeSet<String>> = None;
        for portion in &self.portions {
            let codes = seen_by(portion);
            if codes.is_empty() {
                // A portion with other words about release, but no list, is released to nobody.
                let controls = tokens(portion, "disseminationControls");
                let others = tokens(portion, "nonICmarkings");
                if controls.iter().any(|token| ["NF", "RELIDO"].contains(token))
                    || others.iter().any(|token| ["LES-NF", "SBU-NF"].contains(token))
                {
                    return Common::Codes(BTreeSet::new());
                }
            } else if !is_special(&codes) {
                if !is_within(banner, &codes) {
                    return Common::Wider(portion);
                }
                let apart = take_apart(&codes);
                common = Some(match common {
                    None => apart,
                    Some(before) => before.intersection(&apart).cloned().collect(),
                });
            }
        }
        common.map_or(Common::Anybody, Common::Codes)
    }
}

/// releasableTo and displayOnlyTo together.
fn seen_by(element: &Element) -> BTreeSet<String> {
    let codes = tokens(element, "releasableTo").into_iter().chain(tokens(element, "displayOnlyTo"));
    codes.map(str::to_owned).collect()
}

fn is_special(codes: &BTreeSet<String>) -> bool {
    codes.iter().any(|code| code.len() == 4 && !EYES.iter().any(|(eyes, _)| eyes == code))
}

fn take_apart(codes: &BTreeSet<String>) -> BTreeSet<String> {
    let members = |code: &String| match EYES.iter().find(|(eyes, _)| eyes == code) {
        Some((_, members)) => members.iter().map(|member| (*member).to_owned()).collect(),
        None => vec![code.clone()],
    };
    codes.iter().flat_map(members).collect()
}

/// Whether all but USA of the one stand in the other; a list that cannot be compared does.
fn is_within(codes: &BTreeSet<String>, others: &BTreeSet<String>) -> bool {
    let others = take_apart(others);
    is_special(codes) || take_apart(codes).iter().all(|code| code == "USA" || others.contains(code))
}
