use std::fmt;
use std::str::FromStr;

/// A version of the specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum SpecVersion {
    /// STIX 2.0, of 2017. Its patterns have no `EXISTS`, and may bound `START .. STOP ..` by strings.
    V2_0,
    /// STIX 2.1, of 2021.
    #[default]
    V2_1,
}

impl FromStr for SpecVersion {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "2.0" => Ok(Self::V2_0),
            "2.1" => Ok(Self::V2_1),
            other => Err(format!(
                "unknown version `{}` of STIX: 2.0 and 2.1 are known",
                other.chars().take(40).collect::<String>()
            )),
        }
    }
}

impl fmt::Display for SpecVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V2_0 => "2.0",
            Self::V2_1 => "2.1",
        })
    }
}
