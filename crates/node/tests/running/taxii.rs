//! The TAXII server: what the reference server's suite asks, what the interoperability document asks, and what no other
//! server does: each reader's pages are of what that reader may see.

use std::io::Write;

use hyper::Method;
use serde_json::{Value, json};

use crate::support::{Answer, Client, SEOUL, Side, taxii_accounts, text};

const ROOT: &str = "/trustgroup1/";
const TYPE: &str = "application/taxii+json;version=2.1";
const MAIN: &str = "91a7b528-80eb-42ed-a74d-c6fbd5a26116";
const WRITE_ONLY: &str = "472c94ae-3113-4e3e-a4dd-a9f4ac7471d4";
const BOTH: &str = "365fed99-08fa-fdcd-a1b3-fb247eb41d01";
const READ_ONLY: &str = "52892447-4d7e-4f70-b94d-d7f22742ff63";
const NEITHER: &str = "64993447-4d7e-4f70-b94d-d7f33742ee63";

const RELATIONSHIP: &str = "relationship--2f9a9aa9-108a-4333-83e2-4fb25add0463";
const INDICATOR_CD: &str = "indicator--cd981c25-8042-4166-8945-51178443bdac";
const MARKING: &str = "marking-definition--34098fce-860f-48ae-8e50-ebd3cc5e41da";
const MALWARE: &str = "malware--c0931cc6-c75e-47e5-9036-78fabc95d4ec";
const INDICATOR_67: &str = "indicator--6770298f-0fd8-471a-ab8c-1c658a46574e";

fn settings() -> String {
    let collection = |id: &str, read: &str, write: &str| {
        format!(
            "[[taxii.roots.collections]]\nid = \"{id}\"\ntitle = \"Collection {id}\"\nlisted = true\nread = [{read}]\nwrite = [{write}]\nmarking = {{ names = [], level = \"RESTRICTED\", rel_to = [\"USA\"] }}\n"
        )
    };
    let all = "\"*\"";
    let root = |path: &str, title: &str| format!("[[taxii.roots]]\npath = \"{path}\"\ntitle = \"{title}\"\n");
    format!(
        "{SEOUL}[taxii]\ntitle = \"Some TAXII Server\"\ncontact = \"the watch\"\nurl = \"http://localhost:5000\"\n\
         page_objects = 100\nmax_content_length = 200000\n{}{}{}{}{}{}{}",
        root("api1", "General STIX 2.1 Collections"),
        root("trustgroup1", "Malware Research Group"),
        collection(WRITE_ONLY, "", all),
        collection(BOTH, all, all),
        collection(MAIN, all, "\"admin\""),
        collection(READ_ONLY, all, ""),
        collection(NEITHER, "", ""),
    )
}

/// A node that serves the reference server's data.
async fn server() -> Side {
    let mut side = Side::new(&settings());
    let config = side.config().unwrap();
    taxii_accounts(&side);
    // Before the first start, so that all of it waits for the record.
    let file = include_bytes!("../data/taxii/default_data.json");
    let taken = node::taxii_take_over(&config, file, None).unwrap();
    assert_eq!(taken.iter().map(|t| (t.objects, t.undated)).max(), Some((8, 0)));
    side.start().await;
    side
}

/// A client with a name; the password is everybody's.
struct Caller {
    http: Client,
    authorization: String,
}

impl Caller {
    fn new(side: &Side, name: &str) -> Self {
        use base64::Engine;
        let text = base64::engine::general_purpose::STANDARD.encode(format!("{name}:Password0"));
        Self { http: Client::stranger(&side.url()), authorization: format!("Basic {text}") }
    }

    async fn send(&self, method: Method, path: &str, body: Vec<u8>) -> Answer {
        let headers =
            [("authorization", self.authorization.as_str()), ("accept", TYPE), ("content-type", TYPE)];
        let answer = self.http.raw(method, path, &headers, body).await.unwrap();
        assert_eq!(answer.header("content-type"), TYPE, "{path}");
        answer
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, Vec::new()).await
    }

    async fn json(&self, path: &str) -> Value {
        let answer = self.get(path).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        answer.json()
    }

    async fn post(&self, collection: &str, objects: &Value) -> Value {
        let path = format!("{ROOT}collections/{collection}/objects/");
        let answer = self.send(Method::POST, &path, json!({ "objects": objects }).to_string().into()).await;
        assert_eq!(answer.status, 202, "{}", answer.text());
        answer.json()
    }
}

fn objects(rest: &str) -> String {
    format!("{ROOT}collections/{MAIN}/objects/{rest}")
}

fn manifest(rest: &str) -> String {
    format!("{ROOT}collections/{MAIN}/manifest/{rest}")
}

fn texts<'v>(list: &'v Value, field: &str) -> Vec<&'v str> {
    list.as_array().into_iter().flatten().map(|one| one[field].as_str().unwrap_or_default()).collect()
}

fn indicator(number: u32, modified: &str) -> Value {
    json!({
        "type": "indicator", "spec_version": "2.1", "id": format!("indicator--00000000-0000-4000-8000-{number:012}"),
        "created": "2026-01-01T00:00:00.000Z", "modified": modified, "name": format!("number {number}"),
        "pattern_type": "stix", "pattern": "[url:value = 'http://example.com/']", "valid_from": "2026-01-01T00:00:00Z",
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn resources_of_the_reference_suite() {
    let side = server().await;
    let admin = Caller::new(&side, "admin");
    let discovery = admin.json("/taxii2/").await;
    assert_eq!(discovery["api_roots"][0], "http://localhost:5000/api1/");
    assert_eq!(discovery["default"], "http://localhost:5000/api1/");
    let root = admin.json(ROOT).await;
    assert_eq!(
        (&root["title"], &root["max_content_length"]),
        (&json!("Malware Research Group"), &json!(200_000))
    );
    let status = admin.json(&format!("{ROOT}status/2d086da7-4bdc-4f91-900e-d77486753710")).await;
    assert!(["successes", "failures", "pendings"].iter().all(|list| status[list].is_array()));
    let listed = admin.json(&format!("{ROOT}collections/")).await;
    assert_eq!(listed["collections"].as_array().unwrap().len(), 5);
    let one = admin.json(&format!("{ROOT}collections/{READ_ONLY}/")).await;
    assert_eq!((&one["can_read"], &one["can_write"]), (&json!(true), &json!(false)));
    assert!(admin.json("/api1/collections/").await.as_object().unwrap().is_empty());

    let strange = side.officer();
    for path in ["/trustgroup1/", "/taxii2/", &objects(""), &format!("{ROOT}status/2223/")] {
        let answer = strange.raw(Method::GET, path, &[("accept", TYPE)], Vec::new()).await.unwrap();
        assert_eq!(answer.status, 401, "{path}");
        assert!(answer.header("www-authenticate").starts_with("Basic"));
    }
    let wrong = Caller { authorization: "Basic YWRtaW46d3Jvbmc=".to_owned(), ..Caller::new(&side, "admin") };
    assert_eq!(wrong.get("/taxii2/").await.status, 401);
    for (path, status) in [
        ("/taxii2/nothing/", 404),
        (&*format!("{ROOT}status/22101993/"), 404),
        (&*format!("{ROOT}collections/24042009/manifest/"), 404),
        (&*format!("{ROOT}collections/12345678-1234-1234-1234-123456789012/"), 404),
        (&*format!("{ROOT}collections/{NEITHER}/manifest/"), 403),
        (
            &*format!("{ROOT}collections/{NEITHER}/objects/indicator--b81f86b9-975b-bb0b-775e-810c5bd45b4f/"),
            403,
        ),
        (&*format!("{ROOT}collections/{WRITE_ONLY}/objects/"), 403),
        (&*objects("malware--cee60c30-a68c-11e3-b0c1-a01aac20d000/"), 404),
        (&*objects("?limit=-20"), 400),
        (&*objects("?match[type]=indicator&match[type]=malware"), 400),
    ] {
        let answer = admin.get(path).await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.json()["http_status"], json!(status.to_string()));
    }
    for (method, collection, status) in [
        (Method::DELETE, NEITHER, 404),
        (Method::DELETE, READ_ONLY, 403),
        (Method::DELETE, WRITE_ONLY, 403),
        (Method::PUT, MAIN, 405),
    ] {
        let path = format!("{ROOT}collections/{collection}/objects/{MALWARE}/");
        assert_eq!(
            admin.send(method.clone(), &path, Vec::new()).await.status,
            status,
            "{method} {collection}"
        );
    }
    let other = |accept: &'static str| {
        let admin = &admin;
        async move {
            let headers = [("authorization", admin.authorization.as_str()), ("accept", accept)];
            admin.http.raw(Method::GET, "/taxii2/", &headers, Vec::new()).await.unwrap().status
        }
    };
    assert_eq!(other("application/taxii+json;version=2.0").await, 406);
    assert_eq!(other("*/*").await, 200);
    let untyped = [("authorization", admin.authorization.as_str()), ("content-type", "application/json")];
    let posted = admin.http.raw(Method::POST, &objects(""), &untyped, b"{}".to_vec()).await.unwrap();
    assert_eq!(posted.status, 415);
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_of_the_reference_suite() {
    let side = server().await;
    let admin = Caller::new(&side, "admin");
    let all = admin.get(&objects("")).await;
    assert_eq!(
        texts(&all.json()["objects"], "id"),
        [RELATIONSHIP, INDICATOR_CD, MARKING, MALWARE, INDICATOR_67]
    );
    assert_eq!(all.header("x-taxii-date-added-first"), "2014-05-08T09:00:00.000000Z");
    assert_eq!(all.header("x-taxii-date-added-last"), "2017-12-31T13:49:53.935000Z");
    assert_eq!(all.json()["more"], json!(false));

    // How many objects answer.
    for (rest, count) in [
        ("?added_after=2016-11-03T12:30:59Z", 3),
        (&*format!("?match[id]={MALWARE}"), 1),
        ("?match[type]=indicator", 2),
        ("?match[type]=indicator,malware", 3),
        (&*format!("?match[type]=indicator&match[id]={MALWARE},{INDICATOR_CD}"), 1),
        ("?match[version]=2016-12-25T12:30:59.444Z", 1),
        ("?match[version]=first", 5),
        ("?match[version]=last", 5),
        ("?match[version]=all", 7),
        ("?match[spec_version]=2.0", 1),
        ("?match[spec_version]=2.1", 5),
        ("?match[spec_version]=2.0,2.1", 5),
        ("?match[type]=incident&match[version]=2016-01-01T01:01:01.000Z", 0),
        ("?match[pattern_type]=stix", 2),
        ("?match[tlp]=green", 0),
        (&*format!("?match[relationships-all]={MALWARE}"), 1),
        ("?match[confidence-gte]=10", 0),
        ("?match[malware_types]=remote-access-trojan", 1),
        ("?match[phase_name]=nothing", 0),
    ] {
        let found = admin.json(&objects(rest)).await;
        assert_eq!(found["objects"].as_array().map_or(0, Vec::len), count, "{rest}");
        if !rest.contains("tlp") && !rest.contains("_type") && !rest.contains("relationships") {
            let listed = admin.json(&manifest(rest)).await;
            assert_eq!(listed["objects"].as_array().map_or(0, Vec::len), count, "{rest}");
        }
    }
    // Which version of which object.
    for (rest, modified) in [
        (format!("{INDICATOR_67}?match[version]=2016-12-25T12:30:59.444Z"), "2016-12-25T12:30:59.444Z"),
        (format!("{INDICATOR_67}?match[version]=first"), "2016-11-03T12:30:59.000Z"),
        (format!("{INDICATOR_67}/?match[version]=last"), "2017-01-27T13:49:53.935Z"),
        (format!("{INDICATOR_67}/?limit=1"), "2017-01-27T13:49:53.935Z"),
        (format!("{MALWARE}?match[spec_version]=2.0"), "2018-02-23T18:30:00.000Z"),
        (format!("{MALWARE}?match[spec_version]=2.1"), "2017-01-27T13:49:53.997Z"),
        (format!("{MALWARE}?match[spec_version]=2.0,2.1"), "2018-02-23T18:30:00.000Z"),
        (MALWARE.to_owned(), "2017-01-27T13:49:53.997Z"),
        (format!("{MALWARE}?added_after=2017-01-27T13:49:59Z"), "2017-01-27T13:49:53.997Z"),
    ] {
        let found = admin.json(&objects(&rest)).await;
        assert_eq!(texts(&found["objects"], "modified"), [modified], "{rest}");
    }
    assert_eq!(admin.json(&objects(&format!("{MALWARE}?added_after=2018-01-27T13:49:59Z"))).await, json!({}));
    for (rest, versions) in [
        (format!("{RELATIONSHIP}/versions"), 1),
        (format!("{INDICATOR_67}/versions/"), 3),
        (format!("{MALWARE}/versions?match[spec_version]=2.0"), 1),
        (format!("{MALWARE}/versions?match[spec_version]=2.0,2.1"), 2),
        (format!("{MALWARE}/versions"), 1),
        (format!("{RELATIONSHIP}/versions?added_after=2014-05-08T08:00:00Z"), 1),
        (format!("{RELATIONSHIP}/versions?added_after=2014-05-08T09:00:00Z"), 0),
    ] {
        let found = admin.json(&objects(&rest)).await;
        assert_eq!(found["versions"].as_array().map_or(0, Vec::len), versions, "{rest}");
    }
    let listed = admin.json(&manifest("?match[spec_version]=2.0,2.1")).await;
    let of_malware = listed["objects"].as_array().unwrap().iter().find(|one| one["id"] == MALWARE).unwrap();
    assert_eq!(of_malware["media_type"], "application/stix+json;version=2.0");
    assert_eq!(of_malware["version"], "2018-02-23T18:30:00.000Z");
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_lose_and_repeat_nothing() {
    let side = server().await;
    let admin = Caller::new(&side, "admin");
    // Of the suite: three and two, with the headers of each page.
    let first = admin.get(&objects("?limit=3")).await;
    assert_eq!(first.header("x-taxii-date-added-last"), "2017-01-20T00:00:00.000000Z");
    let next = first.json()["next"].as_str().unwrap().to_owned();
    let second = admin.get(&objects(&format!("?limit=3&next={next}"))).await;
    assert_eq!(second.header("x-taxii-date-added-first"), "2017-01-27T13:49:59.997000Z");
    assert_eq!(
        (second.json()["objects"].as_array().unwrap().len(), &second.json()["more"]),
        (2, &json!(false))
    );
    assert_eq!(admin.get(&objects(&format!("?match[version]=first&limit=3&next={next}"))).await.status, 400);
    assert_eq!(admin.get(&objects("?next=17")).await.status, 400);

    // Ours: one envelope gives all its objects one time.
    let many: Vec<Value> = (0..257).map(|n| indicator(n, "2026-01-01T00:00:00.000Z")).collect();
    let status = admin.post(BOTH, &json!(many)).await;
    assert_eq!((&status["success_count"], &status["status"]), (&json!(257), &json!("complete")));
    for (limit, resource) in [(1, "manifest"), (10, "objects"), (100, "objects"), (99, "manifest")] {
        for forget in [false, true] {
            let mut seen: Vec<String> = Vec::new();
            let mut next = String::new();
            loop {
                let path = format!("{ROOT}collections/{BOTH}/{resource}/?limit={limit}{next}");
                let page = admin.json(&path).await;
                seen.extend(texts(&page["objects"], "id").into_iter().map(str::to_owned));
                match page["next"].as_str() {
                    // A cursor that another client hands in is found by counting.
                    Some(cursor) => next = format!("&next={cursor}"),
                    None => break,
                }
                if forget && limit > 1 {
                    let usa = Caller::new(&side, "usa");
                    let theirs =
                        usa.json(&format!("{ROOT}collections/{BOTH}/{resource}/?limit={limit}{next}")).await;
                    let ours = admin
                        .json(&format!("{ROOT}collections/{BOTH}/{resource}/?limit={limit}{next}"))
                        .await;
                    assert_eq!(theirs, ours);
                }
            }
            assert_eq!(seen.len(), 257, "{resource} by {limit}");
            let mut sorted = seen.clone();
            sorted.dedup();
            assert_eq!(sorted.len(), 257);
        }
    }
    // By type, through the index of kinds.
    let page =
        admin.json(&format!("{ROOT}collections/{BOTH}/objects/?match[type]=indicator&limit=100")).await;
    assert_eq!(page["more"], json!(true));
    assert_eq!(
        admin.json(&format!("{ROOT}collections/{BOTH}/objects/?match[type]=malware")).await,
        json!({})
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn adding_and_deleting() {
    let mut side = server().await;
    let admin = Caller::new(&side, "admin");
    let times = [
        "2017-01-27T13:49:53.935Z",
        "2015-01-27T13:49:53.935Z",
        "2016-01-27T13:49:53.935Z",
        "2018-01-27T13:49:53.935Z",
        "2019-01-27T13:49:53.935Z",
    ];
    let posted: Vec<Value> = times.iter().map(|modified| indicator(7, modified)).collect();
    let status = admin.post(MAIN, &json!(posted)).await;
    assert_eq!(status["success_count"], json!(5));
    assert!(status.get("failures").is_none());
    let again = admin.json(&format!("{ROOT}status/{}/", status["id"].as_str().unwrap())).await;
    assert_eq!(again, status);
    let usa = Caller::new(&side, "usa");
    assert_eq!(
        usa.get(&format!("{ROOT}status/{}/", status["id"].as_str().unwrap())).await.status,
        404,
        "not theirs"
    );
    let id = posted[0]["id"].as_str().unwrap().to_owned();
    let versions = objects(&format!("{id}/versions"));
    for (which, gone, left) in [
        ("2018-01-27T13:49:53.935Z", "2018-01-27T13:49:53.935Z", 4),
        ("first", "2015-01-27T13:49:53.935Z", 3),
        ("last", "2019-01-27T13:49:53.935Z", 2),
    ] {
        let path = objects(&format!("{id}?match[version]={which}"));
        assert_eq!(admin.send(Method::DELETE, &path, Vec::new()).await.status, 200);
        let found = admin.json(&versions).await;
        let found: Vec<&str> =
            found["versions"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
        assert!(found.len() == left && !found.contains(&gone), "{which}: {found:?}");
    }
    assert_eq!(admin.send(Method::DELETE, &objects(&id), Vec::new()).await.status, 200);
    assert_eq!(admin.get(&versions).await.status, 404);
    assert_eq!(admin.send(Method::DELETE, &objects(&id), Vec::new()).await.status, 404);

    // An observable has no version of its own.
    let artifact = json!([{ "type": "artifact", "spec_version": "2.1", "id": "artifact--6f437177-6e48-5cf8-9d9e-872a2bddd641", "mime_type": "application/zip" }]);
    admin.post(MAIN, &artifact).await;
    admin.post(MAIN, &artifact).await;
    let path = |rest: &str| objects(&format!("artifact--6f437177-6e48-5cf8-9d9e-872a2bddd641{rest}"));
    for rest in [
        "?match[version]=all",
        "?match[version]=first",
        "?match[version]=last",
        "?added_after=2017-01-27T13:49:53.935Z",
    ] {
        assert_eq!(admin.json(&path(rest)).await["objects"].as_array().unwrap().len(), 1, "{rest}");
    }

    // The same version with another content: told, both kept, the first served.
    let mut other = indicator(8, "2026-01-01T00:00:00.000Z");
    admin.post(MAIN, &json!([other])).await;
    other["name"] = json!("another");
    let status = admin.post(MAIN, &json!([other])).await;
    assert_eq!(status["failure_count"], json!(0));
    assert!(status["successes"][0]["message"].as_str().unwrap().contains("another content"), "{status}");
    let held = admin.json(&objects(&format!("{}?match[version]=all", other["id"].as_str().unwrap()))).await;
    assert_eq!(texts(&held["objects"], "name"), ["number 8"]);

    // What cannot be kept does not hold up the rest; what is no envelope is refused whole.
    let status = admin
        .post(MAIN, &json!([{ "type": "indicator", "id": "x" }, indicator(9, "2026-01-01T00:00:00.000Z")]))
        .await;
    assert_eq!((&status["success_count"], &status["failure_count"]), (&json!(1), &json!(1)));
    for (body, code) in [
        (indicator(1, "2026-01-01T00:00:00Z").to_string().into_bytes(), 422),
        (b"{\"objects\":[".to_vec(), 422),
        (b"\xff".to_vec(), 422),
        (vec![b' '; 200_001], 413),
    ] {
        assert_eq!(admin.send(Method::POST, &objects(""), body).await.status, code);
    }
    let exact = format!("{{\"objects\":[]{}}}", " ".repeat(200_000 - 14)).into_bytes();
    assert_eq!(exact.len(), 200_000);
    assert_eq!(admin.send(Method::POST, &objects(""), exact).await.status, 202, "what is advertised is true");

    // All of it follows from the record.
    let before = admin.get(&objects("?match[version]=all")).await;
    side.stop().await;
    std::fs::remove_dir_all(side.data().join("taxii")).unwrap();
    side.start().await;
    let admin = Caller::new(&side, "admin");
    let after = admin.get(&objects("?match[version]=all")).await;
    assert_eq!(
        (before.body, before.headers.get("x-taxii-date-added-last")),
        (after.body, after.headers.get("x-taxii-date-added-last"))
    );
    side.verify().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_come_back_as_they_went() {
    let side = server().await;
    let admin = Caller::new(&side, "admin");
    let odd = r#"{ "z_extension": [1.50, 1e3, "\u00e9"],"type":"indicator" , "id":"indicator--00000000-0000-4000-8000-000000000001", "modified":"2026-01-01T00:00:00Z","created":"2026-01-01T00:00:00Z", "spec_version":"2.1" }"#;
    let body = format!("{{\"more\": false, \"objects\": [ {odd} ]}}").into_bytes();
    let path = format!("{ROOT}collections/{BOTH}/objects/");
    assert_eq!(admin.send(Method::POST, &path, body).await.status, 202);
    let back = admin.get(&path).await.text();
    assert_eq!(back, format!("{{\"more\":false,\"objects\":[{odd}]}}"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_reader_has_a_collection_of_its_own() {
    let side = server().await;
    let (admin, usa, jpn) =
        (Caller::new(&side, "admin"), Caller::new(&side, "usa"), Caller::new(&side, "jpn"));
    let red = "marking-definition--e828b379-4e03-4974-9ac4-e53a884c97c1";
    let mut canary = indicator(2, "2026-01-01T00:00:00.000Z");
    canary["object_marking_refs"] = json!([red]);
    canary["name"] = json!("CANARY");
    let mut newer = indicator(3, "2027-01-01T00:00:00.000Z");
    newer["object_marking_refs"] = json!([red]);
    let plain = |n| indicator(n, "2026-01-01T00:00:00.000Z");
    admin.post(BOTH, &json!([plain(1), canary, plain(3), newer, plain(4)])).await;
    let path = |rest: &str| format!("{ROOT}collections/{BOTH}/objects/{rest}");
    let ids = |found: &Value| texts(&found["objects"], "id").len();
    assert_eq!(ids(&admin.json(&path("")).await), 4);
    let theirs = usa.json(&path("")).await;
    assert_eq!(ids(&theirs), 3);
    // The last version that it may see, though there is a later one.
    assert_eq!(texts(&theirs["objects"], "modified"), ["2026-01-01T00:00:00.000Z"; 3]);
    assert!(!theirs.to_string().contains("CANARY"));
    assert_eq!(jpn.json(&path("")).await, json!({}));
    for hidden in [canary_id(2), "indicator--00000000-0000-4000-8000-000000000099".to_owned()] {
        let one = usa.get(&path(&format!("{hidden}/"))).await;
        let absent = usa.get(&path("indicator--00000000-0000-4000-8000-000000000098/")).await;
        assert_eq!((one.status, one.body), (absent.status, absent.body), "hidden and absent answer alike");
    }
    // Cursors count what the reader sees.
    let page = usa.json(&path("?limit=2")).await;
    let rest = usa.json(&path(&format!("?limit=2&next={}", page["next"].as_str().unwrap()))).await;
    assert_eq!((ids(&page), ids(&rest)), (2, 1));
}

fn canary_id(number: u32) -> String {
    indicator(number, "")["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_tells_what_is_added_and_goes_on_from_a_cursor() {
    use futures_util::StreamExt;
    use http_body_util::BodyExt;
    let side = server().await;
    let admin = Caller::new(&side, "admin");
    admin.post(BOTH, &json!([indicator(1, "2026-01-01T00:00:00.000Z")])).await;
    let open = async |last: &str| {
        let stream = tokio::net::TcpStream::connect(&admin.http.authority).await.unwrap();
        let io = hyper_util::rt::TokioIo::new(stream);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
        tokio::spawn(connection);
        let mut request = hyper::Request::get(format!("{ROOT}collections/{BOTH}/stream/"))
            .header("host", &admin.http.authority)
            .header("authorization", &admin.authorization);
        if !last.is_empty() {
            request = request.header("last-event-id", last);
        }
        let body = request.body(http_body_util::Empty::<hyper::body::Bytes>::new()).unwrap();
        let response = sender.send_request(body).await.unwrap();
        assert_eq!(response.status(), 200);
        (sender, response.into_body().into_data_stream())
    };
    let (_sender, mut events) = open("").await;
    let mut text = String::new();
    let mut until = async |wanted: &str| {
        while !text.contains(wanted) {
            let piece = tokio::time::timeout(crate::support::PATIENCE, events.next())
                .await
                .unwrap()
                .unwrap()
                .unwrap();
            text.push_str(&String::from_utf8_lossy(&piece));
        }
        text.clone()
    };
    let first = until("number 1").await;
    admin.post(BOTH, &json!([indicator(2, "2026-01-01T00:00:00.000Z")])).await;
    until("number 2").await;
    let id = first.lines().find_map(|line| line.strip_prefix("id:")).unwrap().trim().to_owned();
    let (_sender, mut again) = open(&id).await;
    let piece = tokio::time::timeout(crate::support::PATIENCE, again.next()).await.unwrap().unwrap().unwrap();
    let piece = String::from_utf8_lossy(&piece).into_owned();
    assert!(piece.contains("number 2") && !piece.contains("number 1"), "{piece}");
}

/// What a client adds is looked for in a log that is followed, from that moment on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn indicators_of_clients_are_looked_for() {
    let mut side =
        Side::new(&format!("{}[[feeds.logs]]\ntitle = \"proxy\"\npath = \"proxy.log\"\n", settings()));
    taxii_accounts(&side);
    let path = side.data().join("proxy.log");
    let line = |name: &str| format!("2026-03-10T12:00:00Z GET http://{name}/a\n");
    std::fs::write(&path, line("before.example")).unwrap();
    side.start().await;
    let usa = Caller::new(&side, "usa");
    let named = |number: u32, modified: &str, name: &str| {
        let mut one = indicator(number, modified);
        one["pattern"] = json!(format!("[domain-name:value = '{name}']"));
        one
    };
    usa.post(BOTH, &json!([named(1, "2026-01-01T00:00:00.000Z", "old.example")])).await;
    usa.post(BOTH, &json!([named(1, "2026-01-02T00:00:00.000Z", "new.example")])).await;
    usa.post(BOTH, &json!([named(2, "2026-01-02T00:00:00.000Z", "gone.example")])).await;
    let gone = format!("{ROOT}collections/{BOTH}/objects/{}/", text(&named(2, "", ""), "id"));
    assert_eq!(usa.send(Method::DELETE, &gone, Vec::new()).await.status, 200);
    let mut live = side.officer().listen(None).await;
    let lines = ["old.example", "gone.example", "new.example"].map(line).concat();
    std::fs::OpenOptions::new().append(true).open(&path).unwrap().write_all(lines.as_bytes()).unwrap();
    live.wait("entry", |event| event["kind"] == "threat.indicator_seen").await;
    let found = side.officer().all("/api/findings").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(text(&found[0], "title"), "domain new.example seen in field line of proxy, line 4");
    // The same after a start that reads the collections again.
    side.restart().await;
    let mut live = side.officer().listen(None).await;
    std::fs::OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(line("new.example").as_bytes())
        .unwrap();
    live.wait("entry", |event| event["kind"] == "threat.indicator_seen").await;
}
