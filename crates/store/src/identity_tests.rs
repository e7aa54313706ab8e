//! Accounts, keys, users, tokens, sessions and jobs on both engines.

use bedside_model::{
    AccountId, AppId, At, KeyId, SessionId, TokenId, UserId,
    scope::{Scope, Scopes},
    user::{Profile, SessionKind, SessionOptions, TokenKind, UserStatus, UserType},
};

use crate::{
    Error, Result, Store,
    accounts::{self, NewAccount},
    api_apps::{self, ApiApp},
    api_keys::{self, NewApiKey},
    jobs::{self, NewJob},
    sessions::{self, NewSession},
    testing::on_both,
    tokens::{self, NewToken},
    users::{self, CallIdentity, NewUser},
};

const NOW: At = At(1_700_000_000_000);

async fn account(store: &Store, code: &str) -> AccountId {
    let id = AccountId(format!("0190-{code}"));
    let (_, data_key) = store.new_vault(&id).unwrap();
    let new = NewAccount {
        id: id.clone(),
        code: code.to_owned(),
        name: "Northside".to_owned(),
        portal_name: "My portal".to_owned(),
        portal_return_url: String::new(),
        sso_enabled: true,
        data_key,
        at: NOW,
    };
    let added: Result<()> =
        store.write(move |tx| Box::pin(async move { accounts::add(tx, &new).await })).await;
    added.unwrap();
    id
}

fn new_user(account: &AccountId, code: &str) -> NewUser {
    NewUser {
        account: account.clone(),
        kind: UserType::Member,
        subtype: String::new(),
        role: String::new(),
        code: code.to_owned(),
        username: format!("name-{code}"),
        vseeid: CallIdentity::Numbered("north".to_owned()),
        profile: Profile {
            first_name: "Maria".to_owned(),
            last_name: "Santos".to_owned(),
            dob: Some("1980-02-29".to_owned()),
            gender: 2,
            ..Profile::default()
        },
        disable_emails: false,
        password_hash: None,
        at: NOW,
    }
}

async fn add_user(store: &Store, account: &AccountId, code: &str) -> Result<UserId> {
    let new = new_user(account, code);
    store.write(move |tx| Box::pin(async move { users::add(tx, &new).await })).await
}

#[tokio::test]
async fn accounts_are_found_by_code_and_alone() {
    on_both!(fresh, |_| {}, {
        let store = &fresh.store;
        let mut conn = store.reader().await.unwrap();
        assert!(accounts::find_only(&mut conn).await.unwrap().is_none());
        let id = account(store, "north").await;
        let only = accounts::find_only(&mut conn).await.unwrap().unwrap();
        assert_eq!((&only.id, only.code.as_str(), only.sso_enabled), (&id, "north", true));
        account(store, "south").await;
        assert!(accounts::find_only(&mut conn).await.unwrap().is_none());
        assert_eq!(accounts::count(&mut conn).await.unwrap(), 2);
        assert!(accounts::find_by_code(&mut conn, "NORTH").await.unwrap().is_none());
        drop(conn);

        let (changed, origins) = (id.clone(), vec!["https://a.example".to_owned()]);
        let update: Result<()> = store
            .write(move |tx| {
                Box::pin(async move {
                    let found = accounts::find(tx, &changed).await?.ok_or(Error::Value("test"))?;
                    let change = accounts::Change {
                        return_origins: origins,
                        domain: "north.example".to_owned(),
                        sso_enabled: false,
                        require_api_secret: false,
                        ..found.into()
                    };
                    accounts::update(tx, &changed, &change, NOW).await
                })
            })
            .await;
        update.unwrap();
        let mut conn = store.reader().await.unwrap();
        let found = accounts::find(&mut conn, &id).await.unwrap().unwrap();
        assert_eq!(found.return_origins, ["https://a.example"]);
        assert!(!found.sso_enabled && !found.require_api_secret);
        // A host stands for a clinic by its code, or as its portal's own.
        let at = |code: Option<&'static str>, host: &'static str| {
            let store = store.clone();
            async move {
                let mut conn = store.reader().await.unwrap();
                accounts::find_at_host(&mut conn, code, host).await.unwrap().map(|account| account.code)
            }
        };
        assert_eq!(at(Some("south"), "north.example").await.as_deref(), Some("south"));
        assert_eq!(at(None, "north.example").await.as_deref(), Some("north"));
        assert_eq!(at(Some("nowhere"), "x.example").await, None);
        assert_eq!(at(None, "").await, None);
        // A vault opens only with the account's own key.
        drop(conn);
        let vault = store.vault(&id).await.unwrap();
        let sealed = vault.seal_text("t.c:1", "text").unwrap();
        let other = store.vault(&AccountId("0190-south".to_owned())).await.unwrap();
        assert!(other.open_text("t.c:1", &sealed).is_err());
        assert!(store.vault(&AccountId("none".to_owned())).await.is_err());
    });
}

#[tokio::test]
async fn users_keep_what_they_were_given() {
    on_both!(fresh, |_| {}, {
        let store = &fresh.store;
        let id = account(store, "north").await;
        let maria = add_user(store, &id, "m-1").await.unwrap();
        let mut twin = new_user(&id, "m-1");
        twin.username = "another".to_owned();
        let again: Result<UserId> =
            store.write(move |tx| Box::pin(async move { users::add(tx, &twin).await })).await;
        assert!(again.unwrap_err().is_unique("users", "account_id, code"));
        let mut twin = new_user(&id, "m-2");
        twin.username = "name-m-1".to_owned();
        let again: Result<UserId> =
            store.write(move |tx| Box::pin(async move { users::add(tx, &twin).await })).await;
        assert!(again.unwrap_err().is_unique("users", "account_id, username"));

        let mut conn = store.reader().await.unwrap();
        let user = users::find(&mut conn, &id, maria).await.unwrap().unwrap();
        assert_eq!(user.vseeid.reveal(), &format!("north+user{maria}"));
        assert!(user.profile.reveal() == &new_user(&id, "m-1").profile);
        assert_eq!((user.status, user.tos), (UserStatus::Active, false));
        assert!(!format!("{user:?}").contains("Santos"));
        let elsewhere = account(store, "south").await;
        assert!(users::find(&mut conn, &elsewhere, maria).await.unwrap().is_none());
        assert!(users::find_by_code(&mut conn, &id, "m-1").await.unwrap().is_some());
        assert!(users::find_by_username(&mut conn, &id, "name-m-1").await.unwrap().is_some());
        assert!(users::find_first(&mut conn, &id, UserType::Admin).await.unwrap().is_none());
        drop(conn);

        let (who, mut profile) = (id.clone(), user.profile.into_inner());
        profile.phone = "555".to_owned();
        let changed: Result<()> = store
            .write(move |tx| {
                Box::pin(async move {
                    users::update_profile(tx, &who, maria, &profile, true, NOW).await?;
                    users::set_password(tx, &who, maria, "hash", NOW).await?;
                    users::logged_in(tx, &who, maria, NOW).await?;
                    users::seen(tx, &who, maria, NOW).await?;
                    users::seen(tx, &who, maria, At(5)).await?;
                    users::rename(tx, &who, maria, "maria", NOW).await
                })
            })
            .await;
        changed.unwrap();
        let mut conn = store.reader().await.unwrap();
        let user = users::find(&mut conn, &id, maria).await.unwrap().unwrap();
        assert_eq!((user.profile.reveal().phone.as_str(), user.disable_emails), ("555", true));
        assert_eq!((user.last_login_at, user.last_seen_at), (Some(NOW), Some(NOW)));
        assert_eq!(user.password_hash.as_deref(), Some("hash"));
        assert_eq!(user.username.reveal(), "maria");
    });
}

#[tokio::test]
async fn of_many_that_make_one_code_one_makes_it() {
    on_both!(fresh, |_| {}, {
        let id = account(&fresh.store, "north").await;
        let tries = (0..16).map(|number| {
            let mut new = new_user(&id, "same");
            new.username = format!("user-{number}");
            let store = fresh.store.clone();
            tokio::spawn(async move {
                let added: Result<(Option<UserId>, UserId)> = store
                    .write(move |tx| {
                        Box::pin(async move {
                            let added = users::add_if_new(tx, &new).await?;
                            let found = users::find_by_code(tx, &new.account, "same").await?;
                            Ok((added, found.ok_or(Error::Value("test"))?.id))
                        })
                    })
                    .await;
                added.unwrap()
            })
        });
        let (mut made, mut seen) = (0, std::collections::BTreeSet::new());
        for one in tries.collect::<Vec<_>>() {
            let (added, found) = one.await.unwrap();
            made += usize::from(added.is_some());
            seen.insert(found);
        }
        assert_eq!((made, seen.len()), (1, 1));
    });
}

#[tokio::test]
async fn keys_tokens_and_sessions_are_found_by_hash_and_end() {
    on_both!(fresh, |_| {}, {
        let store = &fresh.store;
        let id = account(store, "north").await;
        let user = add_user(store, &id, "m-1").await.unwrap();
        let who = id.clone();
        let added: Result<()> = store
            .write(move |tx| {
                Box::pin(async move {
                    let app = ApiApp {
                        id: AppId("app".to_owned()),
                        account: who.clone(),
                        name: "App".to_owned(),
                        scopes: Scopes::NONE.with(Scope::Sso).with(Scope::UsersRead),
                        user,
                        created_at: NOW,
                        updated_at: NOW,
                    };
                    api_apps::add(tx, &app).await?;
                    let key = NewApiKey {
                        id: KeyId("k".to_owned()),
                        account: who.clone(),
                        app: app.id.clone(),
                        key: "key".to_owned(),
                        secret_hash: vec![1],
                        scopes: Scopes::NONE.with(Scope::Sso).with(Scope::AuditRead),
                        at: NOW,
                    };
                    api_keys::add(tx, &key).await?;
                    for (name, kind) in [("a", TokenKind::Access), ("p", TokenKind::Password)] {
                        let token = NewToken {
                            id: TokenId(name.to_owned()),
                            account: who.clone(),
                            user,
                            kind,
                            hash: name.as_bytes().to_vec(),
                            name: String::new(),
                            at: NOW,
                            expires_at: Some(NOW.plus_seconds(60)),
                            family: None,
                        };
                        tokens::add(tx, &token).await?;
                    }
                    let session = NewSession {
                        id: SessionId("s".to_owned()),
                        account: who.clone(),
                        user,
                        kind: SessionKind::Patient,
                        hash: vec![3],
                        options: SessionOptions { disable_navigation: true, return_url: None },
                        device: String::new(),
                        at: NOW,
                        expires_at: NOW.plus_seconds(60),
                    };
                    sessions::add(tx, &session).await
                })
            })
            .await;
        added.unwrap();
        let mut conn = store.reader().await.unwrap();
        let key = api_keys::find(&mut conn, "key").await.unwrap().unwrap();
        assert_eq!((&key.account, &key.secret_hash, key.revoked_at), (&id, &vec![1], None));
        assert_eq!((key.scopes.words(), key.app_user, key.counts(NOW)), (vec!["sso"], Some(user), true));
        let token = tokens::find(&mut conn, b"a").await.unwrap().unwrap();
        assert_eq!(
            (token.user, token.user_type, token.account_code.as_str()),
            (user, UserType::Member, "north")
        );
        assert_eq!((token.kind, token.status), (TokenKind::Access, UserStatus::Active));
        let session = sessions::find(&mut conn, &[3]).await.unwrap().unwrap();
        assert!(session.options.disable_navigation && session.kind == SessionKind::Patient);
        assert!(tokens::find(&mut conn, b"none").await.unwrap().is_none());
        drop(conn);

        // Of many that use a one-time token, one gets through.
        let tries = (0..8).map(|_| {
            let (store, who) = (store.clone(), id.clone());
            tokio::spawn(async move {
                let used: Result<bool> = store
                    .write(move |tx| {
                        Box::pin(async move { tokens::revoke(tx, &who, &TokenId("p".to_owned()), NOW).await })
                    })
                    .await;
                used.unwrap()
            })
        });
        let mut through = 0;
        for one in tries.collect::<Vec<_>>() {
            through += usize::from(one.await.unwrap());
        }
        assert_eq!(through, 1);

        let who = id.clone();
        let ended: Result<(bool, u64, u64)> = store
            .write(move |tx| {
                Box::pin(async move {
                    tokens::revoke_kind(tx, &who, user, TokenKind::Access, NOW).await?;
                    let (app, key) = (AppId("app".to_owned()), KeyId("k".to_owned()));
                    let key = api_keys::revoke(tx, &who, &app, &key, NOW).await?;
                    let later = NOW.plus_seconds(61);
                    Ok((key, tokens::purge(tx, later).await?, sessions::purge(tx, later).await?))
                })
            })
            .await;
        assert_eq!(ended.unwrap(), (true, 2, 1));
    });
}

fn job(id: &str, run_at: At, unique_key: Option<&str>) -> NewJob {
    NewJob {
        id: id.to_owned(),
        account: None,
        kind: "test".to_owned(),
        payload: serde_json::json!({"n": 1}),
        run_at,
        unique_key: unique_key.map(str::to_owned),
        at: NOW,
    }
}

#[tokio::test]
async fn each_due_job_is_claimed_once_and_again_after_its_lease() {
    on_both!(fresh, |_| {}, {
        let store = &fresh.store;
        let queued: Result<(bool, bool)> = store
            .write(|tx| {
                Box::pin(async move {
                    for number in 0..40 {
                        jobs::enqueue(tx, &job(&format!("j{number:02}"), NOW.plus_seconds(-number), None))
                            .await?;
                    }
                    jobs::enqueue(tx, &job("later", NOW.plus_seconds(60), None)).await?;
                    let first = jobs::enqueue(tx, &job("once", NOW, Some("daily"))).await?;
                    Ok((first, jobs::enqueue(tx, &job("twice", NOW, Some("daily"))).await?))
                })
            })
            .await;
        assert_eq!(queued.unwrap(), (true, false));
        let claim = |store: Store, now: At| async move {
            let claimed: Result<Vec<jobs::Job>> = store
                .write(move |tx| {
                    Box::pin(async move { jobs::claim(tx, now, now.plus_seconds(30), 10).await })
                })
                .await;
            claimed.unwrap()
        };
        let workers = (0..8).map(|_| tokio::spawn(claim(store.clone(), NOW)));
        let mut claimed = Vec::new();
        for worker in workers.collect::<Vec<_>>() {
            claimed.extend(worker.await.unwrap());
        }
        let ids: std::collections::BTreeSet<_> = claimed.iter().map(|job| job.id.clone()).collect();
        assert_eq!((claimed.len(), ids.len()), (41, 41));
        assert!(claim(store.clone(), NOW).await.is_empty());

        let (done, put_off) = (claimed[0].clone(), claimed[1].clone());
        let ended: Result<(bool, bool)> = store
            .write(move |tx| {
                Box::pin(async move {
                    let later = NOW.plus_seconds(600);
                    Ok((
                        jobs::finish(tx, &done).await?,
                        jobs::put_off(tx, &put_off, later, Some("no")).await?,
                    ))
                })
            })
            .await;
        assert_eq!(ended.unwrap(), (true, true));
        // The leases of the other 39 run out; the late one is due by then.
        let mut again = Vec::new();
        loop {
            let some = claim(store.clone(), NOW.plus_seconds(60)).await;
            if some.is_empty() {
                break;
            }
            again.extend(some);
        }
        assert_eq!(again.len(), 40);
        assert!(again.iter().all(|job| job.attempts == if job.id == "later" { 1 } else { 2 }));
        // Who lost the lease cannot finish the job any more.
        let stale = claimed.into_iter().find(|job| job.id == again[0].id);
        if let Some(stale) = stale {
            let finished: Result<bool> =
                store.write(move |tx| Box::pin(async move { jobs::finish(tx, &stale).await })).await;
            assert!(!finished.unwrap());
        }
    });
}
