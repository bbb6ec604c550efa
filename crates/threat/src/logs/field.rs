/// What a field of a log holds, so that only what can be there is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldType {
    /// Nothing that an indicator names: numbers, times, identifiers.
    Skip,
    /// A host: its name or its address.
    Host,
    /// A URL.
    Url,
    /// The path of a URL whose host is in another field.
    Path,
    /// A digest in hexadecimal.
    Digest,
    /// Mail addresses.
    Email,
    /// The name or path of a file.
    File,
    /// Anything: looked at word by word.
    Text,
}

/// The type of a field by its name: Zeek, ECS (`source.ip`), OCSF (`src_endpoint.ip`), Windows events
/// (`Event.EventData.TargetFilename`) and what others use. A name that is not known is [`FieldType::Text`].
pub fn field_type(name: &str) -> FieldType {
    let lower = name.to_ascii_lowercase();
    let (parent, last) = lower.rsplit_once('.').unwrap_or(("", &lower));
    let parent = parent.rsplit('.').next().unwrap_or_default();
    match last {
        "uid"
        | "fuid"
        | "conn_uids"
        | "orig_fuids"
        | "resp_fuids"
        | "fuids"
        | "cert_chain_fuids"
        | "parent_fuid"
        | "client_cert_chain_fuids"
        | "community_id"
        | "@timestamp"
        | "history"
        | "conn_state"
        | "proto"
        | "service"
        | "qclass_name"
        | "qtype_name"
        | "rcode_name"
        | "method"
        | "status_msg"
        | "version"
        | "cipher"
        | "curve"
        | "mime_type"
        | "orig_mime_types"
        | "resp_mime_types"
        | "orig_l2_addr"
        | "resp_l2_addr"
        | "tunnel_parents"
        | "ts"
        | "mac"
        | "@stream"
        | "@proc" => FieldType::Skip,
        "name" => match parent {
            "question" | "answers" | "dns" | "domain" | "host" | "query" => FieldType::Host,
            "file" | "process" | "executable" => FieldType::File,
            _ => FieldType::Text,
        },
        "value" if parent == "fingerprints" || parent == "hashes" => FieldType::Digest,
        "path" => match parent {
            "url" => FieldType::Path,
            "file" | "process" | "parent" => FieldType::File,
            _ => FieldType::Text,
        },
        "full" | "original" if parent == "url" => FieldType::Url,
        "ip"
        | "ips"
        | "addr"
        | "address"
        | "orig_h"
        | "resp_h"
        | "id_orig_h"
        | "id_resp_h"
        | "tx_hosts"
        | "rx_hosts"
        | "src_ip"
        | "dst_ip"
        | "dest_ip"
        | "source_ip"
        | "destination_ip"
        | "sourceip"
        | "destinationip"
        | "ipaddress"
        | "ip_address"
        | "sourceaddress"
        | "destaddress"
        | "destinationaddress"
        | "clientaddress"
        | "clientip"
        | "client_ip"
        | "remote_addr"
        | "remote_ip"
        | "remote_address"
        | "x_originating_ip"
        | "src"
        | "dst"
        | "source_address"
        | "destination_address"
        | "src_addr"
        | "dst_addr"
        | "c-ip"
        | "s-ip"
        | "server_addr"
        | "client_addr"
        | "resolved_ip"
        | "assigned_addr"
        | "requested_addr"
        | "watcher" => FieldType::Host,
        "query"
        | "qname"
        | "host"
        | "hostname"
        | "host_name"
        | "fqdn"
        | "domain"
        | "domain_name"
        | "server_name"
        | "sni"
        | "rrname"
        | "rdata"
        | "answers"
        | "queryname"
        | "destinationhostname"
        | "sourcehostname"
        | "helo"
        | "registered_domain"
        | "dns"
        | "cs-host"
        | "s-computername"
        | "client_fqdn"
        | "remote_host"
        | "dest_host"
        | "src_host"
        | "destination_host"
        | "source_host"
        | "proxy_host" => FieldType::Host,
        "url" | "urls" | "url_string" | "request_url" | "referrer" | "referer" | "http_referrer"
        | "cs(referer)" => FieldType::Url,
        "uri" => match parent {
            "san" => FieldType::Url,
            _ => FieldType::Path,
        },
        "md5"
        | "sha1"
        | "sha256"
        | "sha512"
        | "sha-1"
        | "sha-256"
        | "sha-512"
        | "hash"
        | "md5_hash"
        | "sha1_hash"
        | "sha256_hash"
        | "ja3"
        | "ja3s"
        | "fingerprint"
        | "hassh"
        | "hasshserver"
        | "cert_fingerprint"
        | "cert_chain_fps"
        | "client_cert_chain_fps" => FieldType::Digest,
        "from" | "to" | "cc" | "bcc" | "reply_to" | "mailfrom" | "rcptto" | "mail_from" | "rcpt_to"
        | "email" | "sender" | "recipient" | "recipients" | "email_addr" | "return_path" => FieldType::Email,
        "filename" | "file_name" | "image" | "parentimage" | "targetfilename" | "originalfilename"
        | "imageloaded" | "executable" | "newprocessname" | "parentprocessname" | "processname"
        | "targetimage" | "sourceimage" | "file_path" | "filepath" => FieldType::File,
        _ => FieldType::Text,
    }
}
