//! Names to addresses: where only public addresses may be asked, a name of any
//! other is refused before anything is dialled. The client dials what comes
//! from here and resolves nothing itself, so a name cannot change in between.

use std::{fmt, net::SocketAddr};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::is_public;

/// A name of an address that is not public.
#[derive(Debug)]
pub(super) struct Private;

impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name has an address that is not public")
    }
}

impl std::error::Error for Private {}

/// The system's resolver, and a judgement.
pub(super) struct Resolver {
    pub(super) allow_private: bool,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let allow_private = self.allow_private;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let judged = judge(found.collect(), allow_private)?;
            Ok(Box::new(judged.into_iter()) as Addrs)
        })
    }
}

/// One address that is not public refuses the name: which of them is dialled is
/// left to chance otherwise.
fn judge(found: Vec<SocketAddr>, allow_private: bool) -> Result<Vec<SocketAddr>, Private> {
    let public = found.iter().all(|address| is_public(address.ip()));
    if public || allow_private { Ok(found) } else { Err(Private) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_one_private_address_is_refused() {
        let (public, private) = ("93.184.216.34:0".parse().unwrap(), "[::ffff:10.0.0.1]:0".parse().unwrap());
        assert_eq!(judge(vec![public], false).unwrap(), [public]);
        assert!(judge(vec![public, private], false).is_err());
        assert_eq!(judge(vec![public, private], true).unwrap(), [public, private]);
    }

    #[tokio::test]
    async fn a_name_of_this_machine_is_refused() {
        let refused = Resolver { allow_private: false }.resolve("localhost".parse().unwrap()).await;
        assert!(refused.is_err_and(|error| error.is::<Private>()));
        let found = Resolver { allow_private: true }.resolve("localhost".parse().unwrap()).await;
        assert!(found.is_ok_and(|mut found| found.all(|address| address.ip().is_loopback())));
    }
}
