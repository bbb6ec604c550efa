//! Labels to XML.

use super::NAMESPACE;
use crate::formats::capco;
use crate::formats::xml::escape;
use crate::formats::{Loss, ordered};
use crate::{Caveat, Label};

/// The policy whose words are the canonical ones.
pub(super) const POLICY: &str = "urn:bongsu:label:policy:1";

pub(in crate::formats) fn write(label: &Label, losses: &mut Vec<Loss>) -> String {
    let policies: Vec<&str> = label.policies.iter().map(String::as_str).collect();
    let (policy, further) = match policies.as_slice() {
        [one] => (*one, &[][..]),
        several => (POLICY, several),
    };
    let mut bare = label.clone();
    bare.policies = further.iter().map(|policy| (*policy).to_owned()).collect();
    bare.review = None;
    // An exercise is informative: nobody is kept out by it.
    bare.caveats.remove(&Caveat::Exercise);
    let caveats = capco::caveat(&bare, losses);
    let mut categories = vec![("INFORMATIVE", "Originator", ordered(label.originators.iter()))];
    if label.caveats.contains(&Caveat::Exercise) {
        categories.push(("INFORMATIVE", "Exercise", vec!["EXERCISE"]));
    }
    categories.push(("PERMISSIVE", "ReleasableTo", ordered(label.rel_to.iter())));
    categories.push(("RESTRICTIVE", "Caveat", caveats.split('/').filter(|word| !word.is_empty()).collect()));

    let mut xml = format!("<ConfidentialityLabel xmlns=\"{NAMESPACE}\">\n <ConfidentialityInformation>\n");
    xml.push_str(&format!("  <PolicyIdentifier>{}</PolicyIdentifier>\n", escape(policy)));
    xml.push_str(&format!("  <Classification>{}</Classification>\n", label.level));
    for (kind, tag, values) in categories.iter().filter(|(.., values)| !values.is_empty()) {
        xml.push_str(&format!("  <Category TagName=\"{tag}\" Type=\"{kind}\">"));
        for value in values {
            xml.push_str(&format!("<CategoryValue>{}</CategoryValue>", escape(value)));
        }
        xml.push_str("</Category>\n");
    }
    xml.push_str(" </ConfidentialityInformation>\n");
    if let Some(review) = label.review {
        xml.push_str(&format!(" <ReviewDateTime>{review}</ReviewDateTime>\n"));
    }
    xml.push_str("</ConfidentialityLabel>");
    xml
}
