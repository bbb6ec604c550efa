use std::fmt::Write;

/// Light and dark, each with a contrast of at least 4.5:1 for text. Marks are Okabe and Ito's colours, which people
/// who see red and green alike can tell apart. A map keeps its light ground in the dark: its shades need it.
const STYLE: &str = "
text{font:12px 'Noto Sans','Pretendard','Helvetica Neue',Arial,sans-serif;fill:var(--ink)}
.title{font-size:17px;font-weight:600}.soft{fill:var(--soft)}.number{font-size:11px;font-weight:700}
svg{--paper:#ffffff;--ink:#1b1f24;--soft:#57606a;--line:#d0d7de;--a:#0072b2;--b:#b34a00;--c:#007a58}
.paper{fill:var(--paper)}.grid{stroke:var(--line);stroke-width:1}.axis{stroke:var(--soft);stroke-width:1;fill:none}
.sea{fill:#e8eef4}.land{stroke:#3d444d;stroke-width:1;fill:none;stroke-linejoin:round}.in{fill:#000}
.a{fill:var(--a);stroke:var(--a)}.b{fill:var(--b);stroke:var(--b)}.c{fill:var(--c);stroke:var(--c)}
.window{fill:var(--b);opacity:.18}.mark{stroke:var(--b);stroke-width:1.5}.faint{stroke-dasharray:4 3}
.cell{stroke:#fff;stroke-width:.6}.cross{fill:none;stroke:#1b1f24;stroke-width:2.5}.key{stroke:var(--ink)}
@media (prefers-color-scheme:dark){svg{--paper:#0d1117;--ink:#e6edf3;--soft:#9da7b3;--line:#30363d;--a:#56b4e9;--b:#f0a35e;--c:#3ddba8}}
";

/// An SVG document under way. Coordinates are in pixels from the upper left corner.
pub(super) struct Svg {
    width: f64,
    height: f64,
    body: String,
}

/// Where a text stands beside its point.
#[derive(Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    pub(super) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// Adds markup that is made of numbers and fixed words.
    pub(super) fn raw(&mut self, markup: &str) {
        self.body.push_str(markup);
        self.body.push('\n');
    }

    pub(super) fn line(&mut self, class: &str, from: [f64; 2], to: [f64; 2]) {
        let [[x1, y1], [x2, y2]] = [from.map(px), to.map(px)];
        self.raw(&format!("<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>"));
    }

    /// A rectangle; `fill` overrides that of the class.
    pub(super) fn rect(&mut self, class: &str, at: [f64; 2], size: [f64; 2], fill: Option<&str>) {
        let ([x, y], [w, h]) = (at.map(px), size.map(px));
        let fill = fill.map_or(String::new(), |colour| format!(" fill=\"{colour}\""));
        self.raw(&format!(
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"{fill}/>"
        ));
    }

    pub(super) fn text(&mut self, class: &str, [x, y]: [f64; 2], anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        self.raw(&format!(
            "<text class=\"{class}\" x=\"{}\" y=\"{}\" text-anchor=\"{anchor}\">{}</text>",
            px(x),
            px(y),
            escaped(text)
        ));
    }

    /// An open line through points.
    pub(super) fn path(&mut self, class: &str, points: impl Iterator<Item = [f64; 2]>) {
        let mut points: Vec<[f64; 2]> = points.map(|point| point.map(px)).collect();
        points.dedup();
        let mut data = String::new();
        for (index, [x, y]) in points.into_iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            let _ = write!(data, "{command}{x} {y}");
        }
        if !data.is_empty() {
            self.raw(&format!("<path class=\"{class}\" d=\"{data}\"/>"));
        }
    }

    /// What follows is seen only inside a rectangle, up to [`Svg::end_clip`].
    pub(super) fn begin_clip(&mut self, [x, y]: [f64; 2], [w, h]: [f64; 2]) {
        let (x, y, w, h) = (px(x), px(y), px(w), px(h));
        self.raw(&format!(
            "<clipPath id=\"clip\"><rect x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\"/></clipPath>\n<g clip-path=\"url(#clip)\">"
        ));
    }

    pub(super) fn end_clip(&mut self) {
        self.raw("</g>");
    }

    /// The document. Title and description are what a screen reader says of it.
    pub(super) fn finish(self, title: &str, description: &str) -> String {
        let (w, h) = (px(self.width), px(self.height));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" role=\"img\" aria-labelledby=\"title desc\">\n\
             <title id=\"title\">{}</title>\n<desc id=\"desc\">{}</desc>\n<style>{STYLE}</style>\n\
             <rect class=\"paper\" width=\"{w}\" height=\"{h}\"/>\n{}</svg>\n",
            escaped(title),
            escaped(description),
            self.body
        )
    }
}

/// A tenth of a pixel is enough, and keeps the bytes the same where the last bits of a sum differ.
fn px(value: f64) -> f64 {
    (value * 10.0).round() / 10.0 + 0.0
}

/// Text for XML 1.0: markup is escaped, and characters that XML does not have become U+FFFD.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\t' | '\n' | '\r' => out.push(' '),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_cannot_become_markup() {
        let mut svg = Svg::new(10.0, 10.0);
        svg.text("soft", [1.0, 2.04], Anchor::Start, "<script>&\u{0}\"");
        let document = svg.finish("a<b", "c&d");
        assert!(document.contains(">&lt;script&gt;&amp;\u{fffd}&quot;</text>"));
        assert!(document.contains("<title id=\"title\">a&lt;b</title>") && document.contains("c&amp;d"));
        assert!(document.contains("y=\"2\""));
    }
}
