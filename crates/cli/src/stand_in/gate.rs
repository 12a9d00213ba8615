//! The gateway of a party, on the ledger that stands in for a market.

use std::{future::Future, net::SocketAddr, path::PathBuf};

use gateway::{Client, config::Given};
use types::Wire as _;

use crate::desk::Desk;

/// A gateway. Its users are `clerk`, who reads and instructs, and `boss`, who reads and approves; the token of each is
/// its name.
pub struct Gate {
    folder: PathBuf,
    address: SocketAddr,
}

impl Gate {
    /// The gateway of the party `word`, for which a second person must approve these words.
    pub fn of(desk: &mut Desk, word: &str, approval: &[&str]) -> Self {
        let folder = desk.folder().root().join(format!("gate-{word}"));
        std::fs::create_dir_all(&folder).unwrap();
        let genesis = desk.folder().read_genesis().unwrap();
        std::fs::write(folder.join("genesis.bin"), genesis.to_bytes()).unwrap();
        std::fs::copy(desk.folder().key(word), folder.join("gateway.key")).unwrap();
        // A port that is free now.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        let party = desk.who(word).unwrap().party.0;
        let nodes = desk.follower().doors().urls().to_vec();
        let user = |name: &str, right: &str| {
            let digest = hex::encode(crypto::sha256(name.as_bytes()).0);
            format!(
                "[[users]]\nname = {name:?}\ntoken_sha256 = {digest:?}\nrights = [\"read\", {right:?}]\n"
            )
        };
        let (clerk, boss) = (user("clerk", "instruct"), user("boss", "approve"));
        let toml = format!(
            "party = {party}\nlane = 1\nhttp = \"{address}\"\nnodes = {nodes:?}\napproval = {approval:?}\n{clerk}{boss}"
        );
        std::fs::write(folder.join(gateway::config::NAME), toml).unwrap();
        Self { folder, address }
    }

    /// A user, whose token is its name.
    pub fn user(&self, name: &str) -> Client {
        Client::new(&format!("http://{}", self.address), name).unwrap()
    }

    /// Runs it while `test` runs.
    pub async fn run<T>(&self, test: impl Future<Output = T>) -> T {
        let (stop, stops) = tokio::sync::oneshot::channel::<()>();
        let given = Given::default();
        let runs = gateway::run::run(&self.folder, &given, async move {
            let _ = stops.await;
        });
        let tests = async {
            let client = self.user("clerk");
            while !is_ready(&client).await {
                tokio::time::sleep(std::time::Duration::from_millis(20)).await;
            }
            let done = test.await;
            stop.send(()).unwrap();
            done
        };
        let (ran, done) = tokio::join!(runs, tests);
        ran.unwrap();
        done
    }
}

/// Whether it has come to the newest block; what it says then is no JSON.
async fn is_ready(client: &Client) -> bool {
    matches!(client.get("/readyz").await, Err(gateway::Fault::NotUnderstood { .. }))
}
