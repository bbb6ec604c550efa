//! `ISSUBSET` and `ISSUPERSET`: addresses and networks of IPv4 and IPv6 in CIDR notation (RFC 4632, RFC 4291).

use std::net::IpAddr;

/// A network; a single address is one of full length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Network {
    is_ipv4: bool,
    /// The address in the upper bits.
    bits: u128,
    prefix: u32,
}

impl Network {
    /// `address` or `address/prefix`; bits below the prefix are ignored.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let (is_ipv4, bits, longest) = match address.parse().ok()? {
            IpAddr::V4(address) => (true, u128::from(address.to_bits()) << 96, 32),
            IpAddr::V6(address) => (false, address.to_bits(), 128),
        };
        let prefix = match prefix {
            None => longest,
            Some(digits) if digits.len() <= 3 && digits.bytes().all(|b| b.is_ascii_digit()) => {
                digits.parse().ok()?
            }
            Some(_) => return None,
        };
        (prefix <= longest).then_some(Self { is_ipv4, bits, prefix })
    }

    /// Whether every address of this is one of `other`.
    pub(super) fn is_subset_of(&self, other: &Self) -> bool {
        let mask = u128::MAX.checked_shl(128 - other.prefix).unwrap_or(0);
        self.is_ipv4 == other.is_ipv4 && self.prefix >= other.prefix && (self.bits ^ other.bits) & mask == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(inner: &str, outer: &str, expected: bool) {
        let (inner, outer) = (Network::parse(inner).unwrap(), Network::parse(outer).unwrap());
        assert_eq!(inner.is_subset_of(&outer), expected);
    }

    #[test]
    fn subsets() {
        check("11.22.33.44", "11.22.41.123/20", true);
        check("11.22.33.44/20", "11.22.41.123/20", true);
        check("11.22.33.44/19", "11.22.41.123/20", false);
        check("1.2.3.4", "0.0.0.0/0", true);
        check("1.2.3.4", "1.2.3.4", true);
        check("::ffff:1.2.3.4", "0.0.0.0/0", false);
        check("2001:db8:dead:beef::1", "2001:0db8:dead:beef:0000:0000:0000:0000/64", true);
        check("2001:db8:dead:bee0::1", "2001:db8:dead:beef::/64", false);
        check("::1", "::/0", true);
    }

    #[test]
    fn what_is_no_network() {
        for text in [
            "",
            "hello",
            "1.2.3",
            "1.2.3.4/33",
            "1.2.3.4/",
            "1.2.3.4/+8",
            "::1/129",
            "1.2.3.4/8/8",
            "::1%eth0",
        ] {
            assert_eq!(Network::parse(text), None, "{text}");
        }
    }
}
