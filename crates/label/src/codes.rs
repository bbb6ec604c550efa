use std::collections::{BTreeMap, BTreeSet};

use base::{Country, Marking, Timestamp};

use crate::CodeTable;

/// The dated table of country and group codes that a decision is made with.
///
/// Membership of a group changes (NATO grew in 2024), so a decision names the [`version`](Self::version) of the
/// table that it was made with. A code that is not in the table is unknown, and unknown is withheld.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Codes {
    version: String,
    as_of: Timestamp,
    countries: BTreeSet<Country>,
    groups: BTreeMap<String, BTreeSet<Country>>,
    /// Who is read in to which restrictive category.
    categories: BTreeMap<String, BTreeSet<Country>>,
    policies: BTreeSet<String>,
    /// Codes that were taken out of use, and since when.
    withdrawn: BTreeMap<String, Timestamp>,
}

/// Why codes make no table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CodesError {
    /// A decision must be able to name its table.
    #[error("the table of codes has no version")]
    NoVersion,
    /// A group code is 4 to 16 of `A`-`Z` and `0`-`9`, so that it can never be taken for a country.
    #[error("`{group}` is not a group code: 4 to 16 of A-Z and 0-9")]
    BadGroup {
        /// What was given.
        group: String,
    },
    /// A group without members says nothing.
    #[error("group `{group}` has no members")]
    EmptyGroup {
        /// The group.
        group: String,
    },
    /// A member of a group must be a country of the same table.
    #[error("member `{member}` of group `{group}` is not a country of the table")]
    UnknownMember {
        /// The group.
        group: String,
        /// The member.
        member: Country,
    },
    /// A country that is read in to a category must be one of the same table.
    #[error("`{country}`, read in to category `{category}`, is not a country of the table")]
    UnknownReader {
        /// The category.
        category: String,
        /// The country.
        country: Country,
    },
    /// More rows of one sort than a table may have.
    #[error("the table of codes has more than {} rows of one sort", crate::MAX_ROWS)]
    TooLong,
}

impl Codes {
    /// A table from its parts.
    ///
    /// # Errors
    /// When the version is empty, a group code is malformed, a group is empty or a member is not in `countries`.
    pub fn new(
        version: &str,
        as_of: Timestamp,
        countries: BTreeSet<Country>,
        groups: BTreeMap<String, BTreeSet<Country>>,
    ) -> Result<Self, CodesError> {
        if version.is_empty() {
            return Err(CodesError::NoVersion);
        }
        for (group, members) in &groups {
            let well_formed = (4..=16).contains(&group.len())
                && group.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
            if !well_formed {
                return Err(CodesError::BadGroup { group: group.chars().take(80).collect() });
            }
            if members.is_empty() {
                return Err(CodesError::EmptyGroup { group: group.clone() });
            }
            if let Some(member) = members.iter().find(|m| !countries.contains(*m)) {
                return Err(CodesError::UnknownMember { group: group.clone(), member: member.clone() });
            }
        }
        Ok(Self {
            version: version.to_owned(),
            as_of,
            countries,
            groups,
            categories: BTreeMap::new(),
            policies: BTreeSet::new(),
            withdrawn: BTreeMap::new(),
        })
    }

    /// The same table with restrictive categories, each with the countries that are read in to it. A category that is
    /// not here is unknown, and unknown is withheld; the table that ships has none.
    #[must_use]
    pub fn with_categories(mut self, categories: BTreeMap<String, BTreeSet<Country>>) -> Self {
        self.categories = categories;
        self
    }

    /// The same table with the policies (`id` or `id@version`) whose words mean what they mean here.
    #[must_use]
    pub fn with_policies(mut self, policies: BTreeSet<String>) -> Self {
        self.policies = policies;
        self
    }

    /// The same table with codes that were taken out of use, and since when. They stay unknown; a reader can say more
    /// about them than that.
    #[must_use]
    pub fn with_withdrawn(mut self, withdrawn: BTreeMap<String, Timestamp>) -> Self {
        self.withdrawn = withdrawn;
        self
    }

    /// The table that ships with this version: the 249 codes of ISO 3166-1 alpha-3, the groups `FVEY`, `CFCK`
    /// and `NATO` (32 members), the policy of NATO, and the codes that ISO 3166-3 lists as withdrawn.
    pub fn builtin() -> Self {
        // Every code below is three capital letters, which a test holds; one that were not would be left out, and
        // so withheld.
        let set = |codes: &str| codes.split_whitespace().filter_map(|code| code.parse().ok()).collect();
        Self {
            version: "builtin-1".to_owned(),
            as_of: Timestamp::from_unix_nanos(1_767_225_600_000_000_000), // 2026-01-01T00:00:00Z
            countries: set(ISO_3166_1_ALPHA_3),
            groups: GROUPS.iter().map(|(group, members)| ((*group).to_owned(), set(members))).collect(),
            categories: BTreeMap::new(),
            policies: POLICIES.iter().map(|policy| (*policy).to_owned()).collect(),
            withdrawn: WITHDRAWN
                .iter()
                .filter_map(|(code, day)| {
                    Some(((*code).to_owned(), format!("{day}T00:00:00Z").parse().ok()?))
                })
                .collect(),
        }
    }

    /// The table as a noun that can be recorded.
    pub(crate) fn into_table(self, marking: Marking) -> CodeTable {
        let Self { version, as_of, countries, groups, categories, policies, withdrawn } = self;
        CodeTable { version, valid_from: as_of, countries, groups, categories, policies, withdrawn, marking }
    }

    /// The name of this table, which a decision keeps.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The day of whose memberships the table tells.
    pub fn as_of(&self) -> Timestamp {
        self.as_of
    }

    /// Whether a country is in the table.
    pub fn knows(&self, country: &Country) -> bool {
        self.countries.contains(country)
    }

    /// The countries that a word of a REL list stands for; `None` when the word is unknown.
    pub fn expand(&self, word: &str) -> Option<BTreeSet<Country>> {
        if let Some(members) = self.groups.get(word) {
            return Some(members.clone());
        }
        self.country(word).map(|country| BTreeSet::from([country]))
    }

    /// Whether the words of a policy are known to mean what they mean here.
    pub fn knows_policy(&self, policy: &str) -> bool {
        self.policies.contains(policy)
    }

    /// Who is read in to a restrictive category; `None` when the category is unknown.
    pub fn read_in(&self, category: &str) -> Option<&BTreeSet<Country>> {
        self.categories.get(category)
    }

    /// Since when a code is no longer in use; `None` for one that is, or never was.
    pub fn withdrawn(&self, code: &str) -> Option<Timestamp> {
        self.withdrawn.get(code).copied()
    }

    /// The country that a word stands for; `None` for a group or an unknown word.
    pub(crate) fn country(&self, word: &str) -> Option<Country> {
        word.parse().ok().filter(|country| self.knows(country))
    }
}

const ISO_3166_1_ALPHA_3: &str = "
ABW AFG AGO AIA ALA ALB AND ARE ARG ARM ASM ATA ATF ATG AUS AUT AZE BDI BEL BEN BES
BFA BGD BGR BHR BHS BIH BLM BLR BLZ BMU BOL BRA BRB BRN BTN BVT BWA CAF CAN CCK CHE
CHL CHN CIV CMR COD COG COK COL COM CPV CRI CUB CUW CXR CYM CYP CZE DEU DJI DMA DNK
DOM DZA ECU EGY ERI ESH ESP EST ETH FIN FJI FLK FRA FRO FSM GAB GBR GEO GGY GHA GIB
GIN GLP GMB GNB GNQ GRC GRD GRL GTM GUF GUM GUY HKG HMD HND HRV HTI HUN IDN IMN IND
IOT IRL IRN IRQ ISL ISR ITA JAM JEY JOR JPN KAZ KEN KGZ KHM KIR KNA KOR KWT LAO LBN
LBR LBY LCA LIE LKA LSO LTU LUX LVA MAC MAF MAR MCO MDA MDG MDV MEX MHL MKD MLI MLT
MMR MNE MNG MNP MOZ MRT MSR MTQ MUS MWI MYS MYT NAM NCL NER NFK NGA NIC NIU NLD NOR
NPL NRU NZL OMN PAK PAN PCN PER PHL PLW PNG POL PRI PRK PRT PRY PSE PYF QAT REU ROU
RUS RWA SAU SDN SEN SGP SGS SHN SJM SLB SLE SLV SMR SOM SPM SRB SSD STP SUR SVK SVN
SWE SWZ SXM SYC SYR TCA TCD TGO THA TJK TKL TKM TLS TON TTO TUN TUR TUV TWN TZA UGA
UKR UMI URY USA UZB VAT VCT VEN VGB VIR VNM VUT WLF WSM YEM ZAF ZMB ZWE";

const GROUPS: &[(&str, &str)] = &[
    // ROK/US Combined Forces Command
    ("CFCK", "KOR USA"),
    ("FVEY", "AUS CAN GBR NZL USA"),
    // With Finland (2023-04-04) and Sweden (2024-03-07)
    (
        "NATO",
        "ALB BEL BGR CAN CZE DEU DNK ESP EST FIN FRA GBR GRC HRV HUN ISL ITA LTU LUX LVA MKD MNE NLD NOR POL \
         PRT ROU SVK SVN SWE TUR USA",
    ),
];

/// Policies whose levels are those of [`Level`](crate::Level).
const POLICIES: &[&str] = &["urn:nato:stanag:4774:confidentialitymetadatalabel:1:0:policy:NATO"];

/// ISO 3166-3: codes of states that are no more or were renamed, with the day of the newsletter that withdrew them.
const WITHDRAWN: &[(&str, &str)] = &[
    ("ANT", "2010-12-15"),
    ("BUR", "1989-12-05"),
    ("CSK", "1993-06-15"),
    ("DDR", "1990-10-30"),
    ("ROM", "2002-02-01"),
    ("SCG", "2006-09-26"),
    ("SUN", "1992-08-30"),
    ("TMP", "2002-05-20"),
    ("YUG", "2003-07-23"),
    ("ZAR", "1997-07-14"),
];
