//! An authenticator in software: makes passkeys and signs with them as W3C Web Authentication says (sections 6.1, 6.5).

use base64::prelude::{BASE64_URL_SAFE_NO_PAD as B64, Engine as _};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData as _, SigningKey as _};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// User present and user verified.
pub(crate) const VERIFIED: u8 = 0x05;

/// One passkey, with what a test may make wrong.
pub(crate) struct Authenticator {
    key: KeyPair,
    id: Vec<u8>,
    user: Vec<u8>,
    pub(crate) origin: String,
    pub(crate) counter: u32,
    pub(crate) flags: u8,
}

impl Authenticator {
    pub(crate) fn new(origin: &str) -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
        let id = Sha256::digest(key.der_bytes()).to_vec();
        Self { key, id, user: Vec::new(), origin: origin.to_owned(), counter: 1, flags: VERIFIED }
    }

    fn rp(&self) -> String {
        self.origin.split("//").nth(1).unwrap().split(':').next().unwrap().to_owned()
    }

    fn client_data(&self, kind: &str, challenge: &Value) -> Vec<u8> {
        let data = json!({"type": kind, "challenge": challenge, "origin": self.origin, "crossOrigin": false});
        data.to_string().into_bytes()
    }

    fn data(&self, flags: u8) -> Vec<u8> {
        let mut data = Sha256::digest(self.rp()).to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// The answer to the options of a registration.
    pub(crate) fn register(&mut self, options: &Value) -> Value {
        let options = &options["publicKey"];
        self.user = B64.decode(options["user"]["id"].as_str().unwrap()).unwrap();
        let mut data = self.data(self.flags | 0x40);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        // COSE_Key (RFC 9053, section 7.1.1): EC2, ES256, P-256, x, y.
        let point = self.key.der_bytes();
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(&point[1..33]);
        data.extend([0x22, 0x58, 0x20]);
        data.extend(&point[33..65]);
        // {"fmt": "none", "attStmt": {}, "authData": ..}
        let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData\x58".to_vec();
        object.push(u8::try_from(data.len()).unwrap());
        object.extend(data);
        let client = self.client_data("webauthn.create", &options["challenge"]);
        json!({
            "id": B64.encode(&self.id), "rawId": B64.encode(&self.id), "type": "public-key", "extensions": {},
            "response": {"attestationObject": B64.encode(object), "clientDataJSON": B64.encode(client)},
        })
    }

    /// The answer to the options of a log-in or an approval.
    pub(crate) fn assert(&mut self, options: &Value) -> Value {
        self.counter += 1;
        let client = self.client_data("webauthn.get", &options["publicKey"]["challenge"]);
        let data = self.data(self.flags);
        let signed = [data.clone(), Sha256::digest(&client).to_vec()].concat();
        let signature = self.key.sign(&signed).unwrap();
        json!({
            "id": B64.encode(&self.id), "rawId": B64.encode(&self.id), "type": "public-key", "extensions": {},
            "response": {
                "authenticatorData": B64.encode(data), "clientDataJSON": B64.encode(client),
                "signature": B64.encode(signature), "userHandle": B64.encode(&self.user),
            },
        })
    }
}
