//! The same SQL with nothing around it: no routing, no permissions, no
//! description, hardly any JSON. What the server costs above this is its own.

use std::sync::Arc;

use anyhow::{Context, Result};
use bedside_app::tokens::digest;
use bedside_model::{AccountId, At, TokenId, VisitId, user::TokenKind};
use bedside_store::{
    Error, Store, accounts, api_keys,
    audit::{self, NewEntry},
    tokens::{self, NewToken},
    user_lists::{self, Begin},
    users, visit_lists,
    visit_lists::{Filter, Order, Scope, Window},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};

use super::{CLINIC, naive};

struct Bare {
    store: Store,
    account: AccountId,
    /// Up to here the visits are counted, as the server remembers it.
    counted: (VisitId, i64),
    now: At,
}

/// Answers `GET /visits`, `GET /users?q=`, `POST /users/sso` and, the naive
/// way, `GET /availability` until killed.
pub async fn serve(store: Store, account: AccountId, address: &str, now: At) -> Result<()> {
    let mut conn = store.reader().await?;
    let newest =
        visit_lists::newest_before(&mut conn, &account, VisitId(0), now).await?.unwrap_or(VisitId(0));
    let total = visit_lists::count_between(&mut conn, &account, VisitId(0), newest).await?;
    drop(conn);
    let bare = Arc::new(Bare { store, account, counted: (newest, total), now });
    let listener = TcpListener::bind(address).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        let bare = bare.clone();
        tokio::spawn(async move { bare.connection(stream).await });
    }
}

struct Asked {
    path: String,
    token: String,
    key: String,
    body: Vec<u8>,
}

async fn read(stream: &mut BufReader<TcpStream>) -> Result<Option<Asked>> {
    let mut line = String::new();
    if stream.read_line(&mut line).await? == 0 {
        return Ok(None);
    }
    let path = line.split(' ').nth(1).context("no path")?.to_owned();
    let (mut length, mut token, mut key) = (0, String::new(), String::new());
    loop {
        line.clear();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        match name {
            "content-length" => length = value.parse()?,
            "x-apitoken" => value.clone_into(&mut token),
            "x-apikey" => value.clone_into(&mut key),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    Ok(Some(Asked { path, token, key, body }))
}

impl Bare {
    async fn connection(&self, stream: TcpStream) -> Result<()> {
        let mut stream = BufReader::new(stream);
        while let Some(asked) = read(&mut stream).await? {
            let body = if asked.path.contains("/availability?") {
                naive::availability(&self.store, &self.account, &asked.token, &asked.path, self.now).await?
            } else if asked.path.contains("/users/sso") {
                self.sso(&asked).await?
            } else if asked.path.contains("/users?") {
                self.users(&asked).await?
            } else if asked.path.contains("/visits") {
                self.visits(&asked).await?
            } else {
                "{}".to_owned()
            };
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            stream.get_mut().write_all(head.as_bytes()).await?;
        }
        Ok(())
    }

    async fn visits(&self, asked: &Asked) -> Result<String> {
        let mut conn = self.store.reader().await?;
        let token = tokens::find(&mut conn, &digest(&asked.token)).await?.context("an unknown token")?;
        let window = Window { after: None, offset: 0, limit: 26 };
        let whose = (Scope::Account, token.user);
        let filter = Filter::default();
        let rows =
            visit_lists::page(&mut conn, &self.account, whose, &filter, Order::Newest, window, self.now)
                .await?;
        let total =
            self.counted.1 + visit_lists::count_after(&mut conn, &self.account, self.counted.0).await?;
        Ok(format!("{{\"total\":{total},\"ids\":{:?}}}", rows.iter().map(|row| row.id.0).collect::<Vec<_>>()))
    }

    async fn users(&self, asked: &Asked) -> Result<String> {
        let mut conn = self.store.reader().await?;
        tokens::find(&mut conn, &digest(&asked.token)).await?.context("an unknown token")?;
        let wanted =
            asked.path.split("q=").nth(1).and_then(|rest| rest.split('&').next()).unwrap_or_default();
        let filter = user_lists::Filter { either: Some(wanted.to_owned()), ..user_lists::Filter::default() };
        let order = (user_lists::Order::Id, false);
        let page = (&Begin::Offset(0), 20);
        let found =
            user_lists::list(&mut conn, &self.account, user_lists::Scope::Account, &filter, order, page)
                .await?;
        let ids: Vec<i64> = found.users.iter().map(|user| user.id.0).collect();
        Ok(format!("{{\"total\":{},\"ids\":{ids:?}}}", found.total))
    }

    async fn sso(&self, asked: &Asked) -> Result<String> {
        let body: serde_json::Value = serde_json::from_slice(&asked.body)?;
        let code = body["code"].as_str().context("no code")?.to_owned();
        let mut conn = self.store.reader().await?;
        accounts::find_by_code(&mut conn, CLINIC).await?.context("no account")?;
        api_keys::find(&mut conn, &asked.key).await?.context("no key")?;
        drop(conn);
        let (account, now) = (self.account.clone(), self.now);
        let id = self
            .store
            .write::<i64, Error, _>(move |tx| {
                Box::pin(async move {
                    let user = users::find_by_code(tx, &account, &code).await?.ok_or(Error::Foreign)?;
                    audit::append(tx, &entry(&account, user.id.0, now)).await?;
                    let family = uuid();
                    for kind in [TokenKind::Access, TokenKind::Refresh] {
                        let token = NewToken {
                            id: TokenId(uuid()),
                            account: account.clone(),
                            user: user.id,
                            kind,
                            hash: digest(&uuid()),
                            name: String::new(),
                            family: Some(family.clone()),
                            at: now,
                            expires_at: Some(now.plus_seconds(86_400)),
                        };
                        tokens::add(tx, &token).await?;
                    }
                    users::find(tx, &account, user.id).await?;
                    Ok(user.id.0)
                })
            })
            .await?;
        Ok(format!("{{\"data\":{{\"id\":{id}}}}}"))
    }
}

fn uuid() -> String {
    format!("{:032x}", rand::random::<u128>())
}

fn entry(account: &AccountId, user: i64, at: At) -> NewEntry {
    NewEntry {
        id: uuid(),
        account: account.clone(),
        user: None,
        credential: "api_key",
        granted: "open".to_owned(),
        address: "127.0.0.1".to_owned(),
        action: "users.sso",
        object_kind: "user",
        object_id: user.to_string(),
        request_id: String::new(),
        at,
        count: 1,
        detail: None,
    }
}
