//! Sets of addresses: sorted ranges that neither touch nor overlap, so that a look-up is a binary search.

use std::net::IpAddr;

use ipnet::IpNet;

/// A set of IPv4 and IPv6 addresses. An IPv4-mapped IPv6 address is the IPv4 address it holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ranges {
    v4: Vec<(u128, u128)>,
    v6: Vec<(u128, u128)>,
}

impl Ranges {
    /// Whether `ip` is in the set.
    pub(crate) fn contains(&self, ip: IpAddr) -> bool {
        let (ranges, ip) = match ip.to_canonical() {
            IpAddr::V4(ip) => (&self.v4, u128::from(ip.to_bits())),
            IpAddr::V6(ip) => (&self.v6, ip.to_bits()),
        };
        let after = ranges.partition_point(|(first, _)| *first <= ip);
        after
            .checked_sub(1)
            .and_then(|index| ranges.get(index))
            .is_some_and(|(_, last)| ip <= *last)
    }
}

impl FromIterator<IpNet> for Ranges {
    fn from_iter<I: IntoIterator<Item = IpNet>>(nets: I) -> Self {
        let mut ranges = Self::default();
        for net in nets {
            match (net.network(), net.broadcast()) {
                (IpAddr::V4(first), IpAddr::V4(last)) => ranges
                    .v4
                    .push((first.to_bits().into(), last.to_bits().into())),
                (IpAddr::V6(first), IpAddr::V6(last)) => {
                    match (first.to_ipv4_mapped(), last.to_ipv4_mapped()) {
                        (Some(first), Some(last)) => ranges
                            .v4
                            .push((first.to_bits().into(), last.to_bits().into())),
                        _ => ranges.v6.push((first.to_bits(), last.to_bits())),
                    }
                }
                _ => {}
            }
        }
        merge(&mut ranges.v4);
        merge(&mut ranges.v6);
        ranges
    }
}

fn merge(ranges: &mut Vec<(u128, u128)>) {
    ranges.sort_unstable();
    ranges.dedup_by(|(first, last), (_, before)| {
        let touches = *first <= before.saturating_add(1);
        if touches {
            *before = (*before).max(*last);
        }
        touches
    });
    ranges.shrink_to_fit();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ranges(nets: &[&str]) -> Ranges {
        nets.iter()
            .map(|net| net.parse::<IpNet>().unwrap())
            .collect()
    }

    #[test]
    fn an_address_is_found_in_its_own_family() {
        let cases: [(&[&str], &str, bool); 10] = [
            (&[], "1.2.3.4", false),
            (&["10.0.0.0/8"], "10.255.255.255", true),
            (&["10.0.0.0/8"], "11.0.0.0", false),
            (&["10.0.0.0/8"], "9.255.255.255", false),
            (&["10.0.0.0/8"], "::ffff:10.1.2.3", true),
            (&["::ffff:10.0.0.0/104"], "10.1.2.3", true),
            (&["::/0"], "10.1.2.3", false),
            (&["0.0.0.0/0"], "2001:db8::1", false),
            (&["2001:db8::/32"], "2001:db8:ffff::1", true),
            (
                &["255.255.255.255/32", "0.0.0.0/32"],
                "255.255.255.255",
                true,
            ),
        ];
        for (nets, ip, expected) in cases {
            assert_eq!(
                ranges(nets).contains(ip.parse().unwrap()),
                expected,
                "{ip} in {nets:?}"
            );
        }
    }

    #[test]
    fn neighbours_are_merged() {
        assert_eq!(
            ranges(&["10.0.1.0/24", "10.0.0.0/24", "10.0.0.5/32"]),
            ranges(&["10.0.0.0/23"])
        );
        assert_eq!(ranges(&["::/0", "ffff::/16"]), ranges(&["::/0"]));
    }

    proptest! {
        #[test]
        fn the_set_holds_what_its_nets_hold(
            nets in proptest::collection::vec((any::<u32>(), 8u8..=32), 0..40),
            ip in any::<u32>(),
        ) {
            let nets: Vec<IpNet> =
                nets.into_iter().map(|(ip, prefix)| IpNet::new(IpAddr::V4(ip.into()), prefix).unwrap()).collect();
            let set: Ranges = nets.iter().copied().collect();
            for ip in nets.iter().map(|net| net.addr()).chain([IpAddr::V4(ip.into())]) {
                prop_assert_eq!(set.contains(ip), nets.iter().any(|net| net.contains(&ip)));
            }
        }
    }
}
