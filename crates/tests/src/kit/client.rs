//! A client that speaks as portals and pages do.

use reqwest::{Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::{Value, json};

use super::Kit;

/// A caller with its headers.
#[derive(Clone)]
pub struct Client {
    base: String,
    http: reqwest::Client,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

/// Somebody who signed in.
#[derive(Clone)]
pub struct Person {
    pub id: String,
    pub token: String,
    pub client: Client,
}

/// A visit that a test made.
#[derive(Clone, Debug)]
pub struct Visit {
    pub id: String,
    pub intake_id: String,
    pub body: Value,
}

impl Client {
    /// Without any credentials.
    pub fn new(base: &str) -> Self {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()
            .expect("a client");
        Self { base: base.to_owned(), http, headers: Vec::new() }
    }

    /// The same caller with one more header.
    #[must_use]
    pub fn header(&self, name: &str, value: &str) -> Self {
        let mut next = self.clone();
        next.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        next.headers.push((name.to_owned(), value.to_owned()));
        next
    }

    /// The same caller without a header.
    #[must_use]
    pub fn without(&self, name: &str) -> Self {
        let mut next = self.clone();
        next.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(name));
        next
    }

    /// A page with a session: the cookie as `name=value`, its kind, our origin.
    #[must_use]
    pub fn page(&self, cookie: &str, kind: &str) -> Self {
        self.header("Cookie", cookie).header("X-Session-Kind", kind).header("Origin", &self.base)
    }

    /// Origin of the server.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// A request below the API's prefix (or anywhere, for paths with `//` in
    /// front), to be completed by the test.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = match path.strip_prefix("//") {
            Some(path) => format!("{}/{path}", self.base),
            None => format!("{}/api_v3{path}", self.base),
        };
        let mut request = self.http.request(method, url);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request
    }

    pub async fn send(request: RequestBuilder) -> Answer {
        let response = request.send().await.expect("the server answers");
        let (status, headers) = (response.status(), response.headers().clone());
        Answer { status, headers, text: response.text().await.expect("a text body") }
    }

    pub async fn get(&self, path: &str) -> Answer {
        Self::send(self.request(Method::GET, path)).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        Self::send(self.request(Method::POST, path).json(&body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        Self::send(self.request(Method::DELETE, path)).await
    }

    pub async fn form(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        Self::send(self.request(Method::POST, path).form(fields)).await
    }

    pub async fn multipart(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut form = reqwest::multipart::Form::new();
        for (name, value) in fields {
            form = form.text((*name).to_owned(), (*value).to_owned());
        }
        Self::send(self.request(Method::POST, path).multipart(form)).await
    }

    /// Single sign-on of somebody with the portal's own code.
    pub async fn sign_in(&self, kit: &Kit, code: &str, kind: i64) -> Person {
        let body = json!({ "first_name": "Maria", "last_name": code, "code": code, "type": kind });
        let data = self.post("/users/sso", body).await.data();
        let token = data["token"]["token"].as_str().expect("a token").to_owned();
        let account =
            self.headers.iter().find(|(name, _)| name == "X-AccountCode").map(|(_, code)| code.clone());
        let client = kit
            .anonymous()
            .header("X-AccountCode", account.as_deref().unwrap_or_default())
            .header("X-ApiToken", &token);
        Person { id: data["id"].as_str().expect("an id").to_owned(), token, client }
    }
}

impl Person {
    /// Intake and walk-in in a room.
    pub async fn walk_in(&self, room: &str) -> Visit {
        self.walk_in_with(room, json!({})).await
    }

    /// Intake and walk-in, with more fields in the walk-in's body.
    pub async fn walk_in_with(&self, room: &str, more: Value) -> Visit {
        let intake = self.intake(room).await;
        let mut body = json!({ "intake_id": intake, "room_code": room });
        if let (Some(body), Some(more)) = (body.as_object_mut(), more.as_object()) {
            body.extend(more.clone());
        }
        let body = self.client.post("/visits/add_walkin", body).await.data();
        Visit { id: body["id"].as_str().expect("an id").to_owned(), intake_id: intake, body }
    }

    /// An intake in a room.
    pub async fn intake(&self, room: &str) -> String {
        let body = json!({ "reason_for_visit": "A rash on my arm", "room_code": room, "smoker": "no" });
        self.client.post("/intakes", body).await.data()["id"].as_str().expect("an id").to_owned()
    }

    /// One of the verbs of a visit.
    pub async fn act(&self, visit: &Visit, verb: &str) -> Answer {
        self.client.post(&format!("/visits/{}/{verb}", visit.id), json!({})).await
    }

    /// The visit as this person sees it.
    pub async fn visit(&self, visit: &Visit) -> Answer {
        self.client.get(&format!("/visits/{}", visit.id)).await
    }
}

impl Answer {
    /// The body as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {} {}", self.status, self.text))
    }

    /// The answer, which must be a 200.
    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.status, StatusCode::OK, "{}", self.text);
        self
    }

    /// `data` of a 200.
    #[track_caller]
    pub fn data(self) -> Value {
        self.ok().json()["data"].take()
    }

    /// Asserts a refusal: its status, also in the body, and its stable word.
    /// Gives the body.
    #[track_caller]
    pub fn refused(self, status: u16, error: &str) -> Value {
        let body = self.json();
        assert_eq!((self.status.as_u16(), body["error"].as_str()), (status, Some(error)), "{}", self.text);
        assert_eq!(body["code"], status, "{}", self.text);
        assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{}", self.text);
        assert!(body["request_id"].as_str().is_some_and(|id| !id.is_empty()), "{}", self.text);
        body
    }
}
