//! Writes `samples/orbit/synthetic-history.tle`: two invented objects with burns at known times.
#![expect(clippy::print_stdout, reason = "that is what it is for")]

use testkit::{SimulatedBurn, SimulatedHistory};

fn main() {
    let burn = |day, in_plane_m_s, cross_plane_m_s| SimulatedBurn { day, in_plane_m_s, cross_plane_m_s };
    let low = vec![burn(40.45, 0.02, 0.0), burn(75.2, 0.015, 0.0), burn(110.8, 0.03, 1.5), burn(150.6, -0.01, 0.0)];
    let high = vec![burn(60.6, -0.25, 0.0), burn(120.7, -0.26, 0.0)];
    print!("{}", SimulatedHistory::low_orbit(200, low, 1).tle());
    print!("{}", SimulatedHistory::geosynchronous(200, high, 2).tle());
}
