//! A label is what `Label::parse` or `join` made of markings, nothing else.

fn widen(mut label: label::Label, country: base::Country) {
    label.rel_to.insert(country);
}

fn main() {}
