//! Company by design: what is docked, flies in formation, shares a slot or belongs to a constellation.
//!
//! Names and numbers are those of the public catalogue. The table is what operators and agencies have published about
//! their own fleets; it only marks down and names, so an entry too many hides nothing.

use base::NoradId;

use crate::ElementSet;

/// Why a pair is in company, and the factor that its score gets.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recognition {
    pub(super) name: String,
    pub(super) weight: f64,
}

const SAME_ELEMENTS: f64 = 0.05;
const NAMED_FLEET: f64 = 0.1;
const CROWD: f64 = 0.2;
const SAME_LAUNCH: f64 = 0.3;
const SAME_NAME: f64 = 0.4;

struct Fleet {
    label: &'static str,
    numbers: &'static [u32],
    /// Starts of names; a start that ends in a letter must not go on with one.
    names: &'static [&'static str],
}

const fn fleet(label: &'static str, numbers: &'static [u32], names: &'static [&'static str]) -> Fleet {
    Fleet { label, numbers, names }
}

/// Fleets whose members are meant to be near each other.
const FLEETS: &[Fleet] = &[
    // Stations: modules, and vehicles that dock.
    fleet(
        "International Space Station and its visitors",
        &[25_544, 25_575, 26_400, 26_700, 49_044],
        &[
            "ISS",
            "SOYUZ-MS",
            "PROGRESS-MS",
            "CREW DRAGON",
            "DRAGON CRS",
            "CYGNUS",
            "HTV",
            "STARLINER",
            "DREAM CHASER",
        ],
    ),
    fleet(
        "Chinese space station and its visitors",
        &[48_274, 53_239, 54_216],
        &["CSS", "TIANZHOU", "SHENZHOU", "SZ-", "XUNTIAN"],
    ),
    // Formations.
    fleet("TanDEM-X formation", &[31_698, 36_605], &["TERRASAR-X", "TANDEM-X"]),
    fleet("GRACE-FO pair", &[43_476, 43_477], &["GRACE-FO"]),
    fleet("PRISMA formation", &[36_599, 36_827], &["PRISMA MANGO", "PRISMA TANGO"]),
    fleet("Proba-3 formation", &[62_256, 62_258], &["PROBA-3"]),
    fleet("Swarm formation", &[39_451, 39_452, 39_453], &["SWARM"]),
    fleet("Magnetospheric Multiscale formation", &[40_482, 40_483, 40_484, 40_485], &["MMS"]),
    fleet("Cluster formation", &[26_410, 26_411, 26_463, 26_464], &["CLUSTER II"]),
    fleet(
        "A-train and C-train",
        &[27_424, 28_376, 28_498, 29_107, 29_108, 38_337, 40_059],
        &["AQUA", "AURA", "CALIPSO", "CLOUDSAT", "PARASOL", "GCOM-W1", "OCO 2"],
    ),
    fleet("Sentinel-6 and Jason tandem", &[41_240, 46_984], &["SENTINEL-6", "JASON-"]),
    fleet("SAOCOM and COSMO-SkyMed", &[], &["SAOCOM", "COSMO-SKYMED", "CSG-"]),
    fleet("Yaogan formations", &[], &["YAOGAN"]),
    fleet("Starling swarm", &[], &["STARLING"]),
    // Servicers that are docked to their clients.
    fleet("MEV-1 and its clients", &[44_625, 26_824], &["MEV-1", "INTELSAT 901"]),
    fleet("MEV-2 and Intelsat 10-02", &[46_113, 28_358], &["MEV-2", "INTELSAT 10-02"]),
    // Slots that are shared by design.
    fleet("ASTRA, 19.2 E", &[], &["ASTRA 1"]),
    fleet("ASTRA and Eutelsat, 28.2 to 28.5 E", &[], &["ASTRA 2", "EUTELSAT 28"]),
    fleet("ASTRA, 23.5 E", &[], &["ASTRA 3"]),
    fleet("Eutelsat Hotbird, 13 E", &[], &["EUTELSAT HOTBIRD", "EUTELSAT HOT BIRD", "HOTBIRD", "HOT BIRD"]),
    fleet("Eutelsat and Nilesat, 7 to 8 W", &[], &["NILESAT", "EUTELSAT 7 WEST", "EUTELSAT 8 WEST"]),
    fleet(
        "DirecTV, SES and Spaceway, 99 to 103 W",
        &[],
        &["DIRECTV", "AT&T T-", "SPACEWAY", "SES-1", "SES-3", "SKY MEXICO"],
    ),
    fleet("DISH, 110 and 119 W", &[], &["ECHOSTAR", "DIRECTV 5", "DIRECTV 7S", "QUETZSAT"]),
    fleet("Geo-Kompsat, 128.2 E", &[36_744, 43_823, 45_246], &["GEO-KOMPSAT", "COMS 1"]),
    fleet("Koreasat, 113 and 116 E", &[], &["KOREASAT"]),
    fleet("Badr, Arabsat and Es'hail, 26 E", &[], &["BADR", "ARABSAT", "ES'HAIL"]),
    fleet("INSAT and GSAT slots", &[], &["INSAT", "GSAT-", "CMS-", "IRNSS", "NVS-"]),
    fleet("JCSAT and Superbird slots", &[], &["JCSAT", "SUPERBIRD", "HORIZONS"]),
    fleet("BSAT, 110 E", &[], &["BSAT", "JCSAT-110", "N-SAT"]),
    fleet("Nimiq and Anik slots", &[], &["NIMIQ", "ANIK"]),
    fleet("Amazonas and Hispasat slots", &[], &["AMAZONAS", "HISPASAT"]),
    fleet("Thor and Intelsat 10-02, 1 W", &[28_358], &["THOR", "INTELSAT 10-02", "MEV-2"]),
    fleet("Turksat, 42 E", &[], &["TURKSAT"]),
    fleet("Measat, 91.5 E", &[], &["MEASAT"]),
    fleet("Sirius XM slots", &[], &["SXM-", "XM-", "SIRIUS", "FM-"]),
    // Constellations.
    fleet("O3b", &[], &["O3B"]),
    fleet("IRIDE", &[], &["IRIDE"]),
    fleet("Iridium", &[], &["IRIDIUM"]),
    fleet("Globalstar", &[], &["GLOBALSTAR"]),
    fleet("Orbcomm", &[], &["ORBCOMM"]),
    fleet("Planet", &[], &["DOVE", "SKYSAT", "PELICAN", "TANAGER"]),
    fleet("Spire", &[], &["LEMUR"]),
    fleet("ICEYE", &[], &["ICEYE"]),
    fleet("HawkEye 360", &[], &["HAWK"]),
    fleet("Geely", &[], &["GEESAT"]),
    fleet("Jilin", &[], &["JILIN"]),
    fleet("Kineis", &[], &["KINEIS"]),
    fleet("Gonets", &[], &["GONETS"]),
    fleet("Galileo", &[], &["GSAT0"]),
    fleet("GPS", &[], &["NAVSTAR", "GPS"]),
    fleet("BeiDou", &[], &["BEIDOU"]),
    fleet("Space Development Agency tranches", &[], &["SDA_", "PRAETORIAN"]),
    fleet("COSMIC and CYGNSS", &[], &["FORMOSAT-7", "CYGFM", "CYGNSS"]),
    fleet("Tianqi", &[], &["TIANQI"]),
    fleet("Satellogic", &[], &["NUSAT"]),
    fleet("Sitronics", &[], &["SITRO-AIS"]),
];

/// Constellations so dense that any neighbour of theirs is one by chance.
const CROWDS: &[Fleet] = &[
    fleet("Starlink", &[], &["STARLINK"]),
    fleet("OneWeb", &[], &["ONEWEB"]),
    fleet("Kuiper (Amazon Leo)", &[], &["KUIPER"]),
    fleet("Qianfan", &[], &["QIANFAN"]),
    fleet("Guowang", &[], &["HULIANWANG"]),
    fleet("Planet", &[], &["FLOCK"]),
];

/// Operators whose satellites have several names: weaker evidence than a slot that is known to be shared.
const OPERATORS: &[Fleet] = &[
    fleet("Intelsat", &[], &["INTELSAT", "GALAXY", "HORIZONS"]),
    fleet("SES", &[], &["SES-", "AMC-", "NSS-", "ASTRA"]),
    fleet("China Satcom", &[], &["CHINASAT", "ZHONGXING", "APSTAR"]),
    fleet("Indonesian operators", &[], &["NUSANTARA", "MERAH PUTIH", "TELKOM"]),
    fleet("Arabsat and Hellas Sat", &[], &["ARABSAT", "BADR", "HELLAS-SAT"]),
    fleet("United States Space Force", &[], &["WGS", "AEHF", "SBIRS", "MUOS", "UFO"]),
];

/// Stations and how near to one a vehicle is that is docked or about to be.
const STATIONS: &[(&str, &[u32])] = &[
    ("International Space Station", &[25_544, 25_575, 26_400, 26_700, 49_044]),
    ("Chinese space station", &[48_274, 53_239, 54_216]),
];
const DOCKED_KM: f64 = 30.0;

/// Vehicles that are known to have gone to others, by number: public analyses of Luch (Olymp-K), the GSSAP pairs,
/// Shijian and Shiyan inspectors, TJS-3, the Mission Extension Vehicles, and the Cosmos vehicles of the Nivelir line.
const VISITORS: &[u32] = &[
    40_258, 55_841, // Luch (Olymp-K)
    40_099, 40_100, 41_744, 41_745, 51_280, 51_281, // GSSAP
    41_838, 49_330, 55_131, 62_485, 50_321, 50_322, // Shijian-17, -21, -23, -25, Shiyan-12
    43_874, // TJS-3
    44_625, 46_113, // MEV
    39_765, 40_555, 42_798, 42_919, 42_986, 44_797, 44_835, 53_323, 59_773, 64_095, // Cosmos
];

/// Whether an object is on the list of known visitors.
pub(super) fn known_visitor(id: NoradId) -> bool {
    VISITORS.contains(&id.get())
}

/// Why `a` and `b`, so far apart on average, are in company, if the table, the launch or the names tell; the strongest
/// reason wins.
pub(super) fn recognise(a: &ElementSet, b: &ElementSet, mean_km: f64) -> Option<Recognition> {
    let found = |name: String, weight: f64| Some(Recognition { name, weight });
    let upper = |set: &ElementSet| set.name().unwrap_or_default().to_ascii_uppercase();
    let (name_a, name_b) = (upper(a), upper(b));
    let both = |fleet: &&Fleet| fleet.has(a, &name_a) && fleet.has(b, &name_b);
    let fleet = FLEETS.iter().chain(CROWDS).find(both);
    if same_elements(a, b) {
        let name = "one set of elements under two numbers: docked, or one object twice";
        let fleet = fleet.map(|f| format!("company by design: {}; ", f.label)).unwrap_or_default();
        return found(format!("{fleet}{name}"), SAME_ELEMENTS);
    }
    if let Some(fleet) = fleet {
        return found(format!("company by design: {}", fleet.label), NAMED_FLEET);
    }
    let at_station =
        |(_, parts): &&(&str, &[u32])| [a, b].iter().any(|s| parts.contains(&s.norad_id().get()));
    if let Some((station, _)) = STATIONS.iter().find(at_station).filter(|_| mean_km <= DOCKED_KM) {
        return found(format!("docked at or visiting the {station}"), NAMED_FLEET);
    }
    if let Some(fleet) = CROWDS.iter().find(|f| f.has(a, &name_a) || f.has(b, &name_b)) {
        return found(format!("one is of the dense constellation {}", fleet.label), CROWD);
    }
    if let Some(launch) = launch(a).filter(|launch_a| launch(b) == Some(*launch_a)) {
        return found(format!("same launch, {launch}"), SAME_LAUNCH);
    }
    if let Some(operator) = OPERATORS.iter().find(both) {
        return found(format!("same operator: {}", operator.label), SAME_NAME);
    }
    let family_a = family(&name_a);
    (family_a.len() >= 3 && family_a == family(&name_b))
        .then(|| Recognition { name: format!("both are named {family_a}"), weight: SAME_NAME })
}

impl Fleet {
    /// Whether an object of this upper-case name belongs.
    fn has(&self, set: &ElementSet, name: &str) -> bool {
        self.numbers.contains(&set.norad_id().get()) || self.names.iter().any(|start| starts(name, start))
    }
}

fn same_elements(a: &ElementSet, b: &ElementSet) -> bool {
    let orbit = |s: &ElementSet| {
        (
            s.epoch(),
            [s.mean_motion_rev_per_day(), s.eccentricity(), s.inclination_deg()],
            [s.raan_deg(), s.argument_of_perigee_deg(), s.mean_anomaly_deg()],
        )
    };
    orbit(a) == orbit(b)
}

fn starts(name: &str, start: &str) -> bool {
    name.strip_prefix(start).is_some_and(|rest| {
        let letter = |c: Option<char>| c.is_some_and(char::is_alphabetic);
        !(letter(start.chars().last()) && letter(rest.chars().next()))
    })
}

/// `1998-067` of `1998-067A`.
fn launch(set: &ElementSet) -> Option<&str> {
    let id = set.object_id()?;
    let launch = id.get(..8)?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    (digits(launch.get(..4)?) && launch.as_bytes().get(4) == Some(&b'-') && digits(launch.get(5..)?))
        .then_some(launch)
}

/// The year in which an object was launched.
pub(super) fn launch_year(set: &ElementSet) -> Option<i64> {
    launch(set)?.get(..4)?.parse().ok()
}

/// The first word of a name: `EUTELSAT` of `EUTELSAT 7B`.
fn family(name: &str) -> &str {
    let end = name.find(|c: char| !c.is_alphabetic()).unwrap_or(name.len());
    // Objects that nobody has named yet are no family.
    name.get(..end).filter(|word| !matches!(*word, "OBJECT" | "TBA" | "UNKNOWN")).unwrap_or_default()
}
