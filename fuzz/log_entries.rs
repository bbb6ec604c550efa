//! What the fuzz targets of room `threat` do with an input. The targets and the replay of the corpus on stable share it.
//!
//! A failure is a panic: of a reader, or of a check here.

/// Faults that one input may give, so that no input fills a log.
const MAX_FAULTS: usize = 10_001;

/// Reads `data` as indicators, in whatever format they seem to have, and looks for them in `data` itself.
#[allow(dead_code, reason = "each target uses one of the two")]
pub(crate) fn indicators(data: &[u8]) {
    let mut builder = threat::SetBuilder::new([3; 32]);
    let mut input = data;
    let origin = threat::Origin::of_source("fuzz");
    let Ok(read) = threat::IndicatorReader::new(&mut builder).read(&mut input, &origin) else { return };
    check_threat_faults(&read.faults, "indicator::");
    assert_eq!(read.indicators, builder.len());
    if let Ok(set) = builder.finish() {
        match_against(data, &set);
    }
}

/// Reads `data` as a log.
#[allow(dead_code, reason = "each target uses one of the two")]
pub(crate) fn log(data: &[u8]) {
    let mut builder = threat::SetBuilder::new([3; 32]);
    let list = b"evil.example\n10.0.0.0/8\nhttp://evil.example/a\nd41d8cd98f00b204e9800998ecf8427e\na@evil.example\nbad.dll\nsome words\n";
    let origin = threat::Origin::of_source("fuzz");
    let read = threat::IndicatorReader::new(&mut builder).read(&mut list.as_slice(), &origin);
    assert!(read.is_ok_and(|read| read.faults.is_empty()));
    if let Ok(set) = builder.finish() {
        match_against(data, &set);
    }
}

fn match_against(data: &[u8], set: &threat::IndicatorSet) {
    let matcher = threat::Matcher { set, warninglists: None };
    let (mut input, mut hits) = (data, 0);
    let summary =
        threat::match_log(&mut input, &matcher, &threat::MatchOptions::default(), &mut |hit, line| {
            hits += 1;
            assert!(hit.line >= 1 && !hit.origins.is_empty() && !hit.indicator.is_empty());
            assert!(line.offset <= data.len() as u64);
        });
    if let Ok(summary) = summary {
        assert_eq!(summary.hits, hits);
        check_threat_faults(&summary.faults, "log::");
    }
}

/// Every fault has a line, a field or bytes.
fn check_threat_faults(faults: &[base::Fault], room: &str) {
    assert!(faults.len() <= MAX_FAULTS);
    for fault in faults {
        assert!(fault.message.len() < 1000 && fault.code.starts_with(room), "{fault}");
        let placed = fault.line.is_some_and(|line| line >= 1) || fault.byte_start.is_some();
        assert!(placed || fault.code.ends_with("::too_many_faults"), "{fault}");
    }
}
