//! Labels to references and an extension.

use serde_json::json;

use super::{EXERCISE, EXTENSION, TLP_2, TLP_EXTENSION};
use crate::formats::{Loss, countries};
use crate::{Caveat, Label, Tlp};

/// A bundle with the TLP 2.0 definition, and the properties that an object must take over from the last object of the
/// list: its references, and the extension with all that the label says.
///
/// The TLP word is what a reader goes by who does not know the extension, so it is the narrower of the label's own and
/// what REL list and caveats leave: AMBER+STRICT for a list, RED for nobody. CLEAR and GREEN are never written: a label
/// always names who may have the item.
pub(in crate::formats) fn write(label: &Label, losses: &mut Vec<Loss>) -> String {
    let nobody = label.rel_to.is_empty() || label.caveats.contains(&Caveat::Noforn);
    let needed = if nobody { Tlp::Red } else { Tlp::AmberStrict };
    let tlp = label.tlp.unwrap_or(needed).max(needed);
    if label.tlp.is_some_and(|own| own != tlp) {
        let own = label.tlp.map(|own| own.to_string()).unwrap_or_default();
        losses.push(Loss::new(
            "tlp",
            own,
            format!("other readers see only TLP:{tlp}, the widest that the list allows"),
        ));
    }
    let beside = "in an extension of ours, which other programs do not read; they see only the TLP word";
    let mut put = |field: &str, lost: String| {
        if !lost.is_empty() {
            losses.push(Loss::new(field, lost, beside));
        }
    };
    put("rel_to", countries(label.rel_to.iter()));
    put("display_only", countries(label.display_only.iter()));
    put("caveats", label.caveats.iter().map(|caveat| caveat.as_str()).collect::<Vec<_>>().join(" "));
    put("pap", label.pap.map(|pap| pap.to_string()).unwrap_or_default());
    let marking = base::Marking { derived_from: Vec::new(), ..label.to_marking() };
    let id = TLP_2.iter().find(|(_, known)| *known == tlp).map_or("", |(id, _)| id);
    let word = tlp.as_str().to_lowercase();
    let definition = json!({
        "type": "marking-definition",
        "spec_version": "2.1",
        "id": id,
        "created": "2022-10-01T00:00:00.000Z",
        "name": format!("TLP:{tlp}"),
        "extensions": { TLP_EXTENSION: { "extension_type": "property-extension", "tlp_2_0": word } },
    });
    let mut object = json!({
        "object_marking_refs": [id],
        "extensions": { EXTENSION: { "extension_type": "property-extension", "marking": marking } },
    });
    if label.caveats.contains(&Caveat::Exercise) {
        // A word that other programs show, so that nobody takes it for real.
        object["labels"] = json!([EXERCISE]);
    }
    format!("{:#}", json!([definition, object]))
}
