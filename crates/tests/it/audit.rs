//! The audit trail: changes leave an entry, reads by others are coalesced, the
//! chain notices tampering.

use bedside::boot::Surroundings;
use bedside_app::{Clock, Random, audit as app_audit, jobs};
use bedside_model::{AccountId, At};
use bedside_store::audit;
use bedside_tests::kit::Kit;

async fn account(kit: &Kit) -> AccountId {
    bedside_app::accounts::get_by_code(&kit.app, &kit.clinic.code).await.unwrap().id
}

#[tokio::test]
async fn changes_and_reads_leave_entries() {
    let clock = Clock::fake(At::from_seconds(1_800_000_000));
    let surroundings = Surroundings { clock: clock.clone(), random: Random::system() };
    let kit = Kit::boot(&[], surroundings).await;
    let room = kit.room("main").await;
    let patient = kit.patient("p-1").await;
    let provider = kit.provider("d-1", &[&room]).await;
    let visit = patient.walk_in(&room).await;
    provider.act(&visit, "accept").await.ok();
    let account = account(&kit).await;
    let count = async |action: &str, object: &str| {
        let mut conn = kit.app.store.reader().await.unwrap();
        audit::count(&mut conn, &account, action, object).await.unwrap()
    };
    assert_eq!(count("visits.add_walkin", &visit.id).await, 1);
    assert_eq!(count("visits.accept", &visit.id).await, 1);

    for _ in 0..5 {
        provider.visit(&visit).await.ok();
        patient.visit(&visit).await.ok();
    }
    clock.advance_seconds(601);
    app_audit::flush_reads(&kit.app, false).await.unwrap();
    // One entry for the provider's five reads, none for reading one's own.
    assert_eq!(count("visits.get", &patient.id).await, 1);
}

#[tokio::test]
async fn the_chain_is_whole() {
    let kit = Kit::start().await;
    let room = kit.room("main").await;
    kit.patient("p-1").await.walk_in(&room).await;
    jobs::chain_audit(&kit.app).await.unwrap();
    let account = account(&kit).await;
    let mut conn = kit.app.store.reader().await.unwrap();
    assert_eq!(audit::verify(&mut conn, &account).await.unwrap(), None);
    drop(conn);
    if kit.database().is_sqlite() {
        use sqlx::Connection;
        let mut direct = sqlx::SqliteConnection::connect(kit.database().url()).await.unwrap();
        let id: String =
            sqlx::query_scalar("SELECT id FROM audit_entries WHERE action = 'visits.add_walkin'")
                .fetch_one(&mut direct)
                .await
                .unwrap();
        sqlx::query("UPDATE audit_entries SET user_id = 1 WHERE id = $1")
            .bind(&id)
            .execute(&mut direct)
            .await
            .unwrap();
        let mut conn = kit.app.store.reader().await.unwrap();
        assert_eq!(audit::verify(&mut conn, &account).await.unwrap(), Some(id));
    }
}
