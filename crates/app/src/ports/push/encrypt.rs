//! Encryption of a push message for one browser (RFC 8291, one record of
//! RFC 8188). By aws-lc-rs, which the house has anyway: the crates for it bring
//! a second implementation of everything.

use aws_lc_rs::{
    aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{ECDH_P256, PrivateKey, UnparsedPublicKey, agree},
    error::Unspecified,
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
};

/// Longest message in bytes, so that every push service takes the record.
pub(super) const MAX_PLAIN: usize = 3_000;
/// Length of the one record, as it is announced.
const RECORD: u32 = 4_096;

/// What makes one encryption differ from the next.
pub(super) struct Fresh {
    /// A private key for this message alone.
    pub private: [u8; 32],
    /// Sixteen bytes that nobody can foresee.
    pub salt: [u8; 16],
}

struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

fn expand<const N: usize>(key: &Prk, info: &[&[u8]]) -> Result<[u8; N], Unspecified> {
    let mut out = [0; N];
    key.expand(info, Length(N))?.fill(&mut out)?;
    Ok(out)
}

/// Encrypts a message for a browser with this public key and shared secret.
pub(super) fn encrypt(
    plain: &[u8],
    browser: &[u8],
    auth: &[u8],
    fresh: &Fresh,
) -> Result<Vec<u8>, Unspecified> {
    let private = PrivateKey::from_private_key(&ECDH_P256, &fresh.private).map_err(|_| Unspecified)?;
    let public = private.compute_public_key()?;
    let peer = UnparsedPublicKey::new(&ECDH_P256, browser);
    let input: [u8; 32] = agree(&private, peer, Unspecified, |shared| {
        let key = Salt::new(HKDF_SHA256, auth).extract(shared);
        expand(&key, &[b"WebPush: info\0", browser, public.as_ref()])
    })?;
    let key = Salt::new(HKDF_SHA256, &fresh.salt).extract(&input);
    let content: [u8; 16] = expand(&key, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; 12] = expand(&key, &[b"Content-Encoding: nonce\0"])?;
    let content = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &content)?);

    let mut sealed = plain.to_vec();
    // The mark of the last record.
    sealed.push(2);
    content.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed)?;
    let mut record = Vec::with_capacity(86 + sealed.len());
    record.extend_from_slice(&fresh.salt);
    record.extend_from_slice(&RECORD.to_be_bytes());
    record.push(u8::try_from(public.as_ref().len()).map_err(|_| Unspecified)?);
    record.extend_from_slice(public.as_ref());
    record.append(&mut sealed);
    Ok(record)
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::*;

    fn bytes(text: &str) -> Vec<u8> {
        BASE64_URL_SAFE_NO_PAD.decode(text).unwrap()
    }

    /// The worked example of RFC 8291, section 5 and appendix A.
    #[test]
    fn the_example_of_the_standard_comes_out() {
        let fresh = Fresh {
            private: bytes("yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw").try_into().unwrap(),
            salt: bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().unwrap(),
        };
        let browser =
            bytes("BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4");
        let auth = bytes("BTBZMqHH6r4Tts7J_aSIgg");
        let sealed = encrypt(b"When I grow up, I want to be a watermelon", &browser, &auth, &fresh).unwrap();
        let expected = "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN";
        assert_eq!(BASE64_URL_SAFE_NO_PAD.encode(sealed), expected);
    }

    #[test]
    fn a_key_that_is_no_point_is_refused() {
        let fresh = Fresh { private: [7; 32], salt: [1; 16] };
        assert!(encrypt(b"x", &[4; 65], &[0; 16], &fresh).is_err());
        assert!(encrypt(b"x", b"", &[0; 16], &fresh).is_err());
    }
}
