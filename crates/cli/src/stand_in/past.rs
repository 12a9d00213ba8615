//! Proofs of the past of a stand-in, made from all of its blocks.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    extract::{Path, Query, State},
    http::StatusCode,
};
use crypto::{
    merkle,
    proof::{AsOf, Moment, Placed, Proof, ShownChange, State as Stood},
};
use types::{Header, LedgerTime};

use super::{Book, Shared};

/// What a node answers at `/v1/proofs/KEY?as_of=HEIGHT` or `?time=TIME`.
pub async fn proof(
    State(shared): State<Arc<Shared>>,
    Path(key): Path<String>,
    Query(asked): Query<BTreeMap<String, u64>>,
) -> Result<Vec<u8>, (StatusCode, String)> {
    let mut bytes = [0; 48];
    hex::decode_to_slice(key, &mut bytes).unwrap();
    let proved = shared.book().prove(bytes, &asked);
    let proof = proved.map_err(|code| (StatusCode::CONFLICT, format!("{{\"code\": {code:?}}}")))?;
    Ok(Proof::AsOf(proof).to_file())
}

impl Book {
    fn header(&self, height: u64) -> Header {
        self.blocks[usize::try_from(height).unwrap() - 1].changes.header.clone()
    }

    fn placed(&self, height: u64, newest: u64) -> Placed {
        if height == newest {
            return Placed::Newest;
        }
        let before = &self.headers[..usize::try_from(newest).unwrap()];
        let path = merkle::Path::among(before, height).unwrap();
        Placed::Earlier { header: self.header(height), path }
    }

    fn prove(&self, key: [u8; 48], asked: &BTreeMap<String, u64>) -> Result<AsOf, &'static str> {
        let not_covered = "moment-not-covered";
        let certified = self.blocks.iter().rev().find(|it| it.certificate.is_some());
        let certified = certified.ok_or(not_covered)?;
        let newest = certified.changes.header.clone();
        let all = &self.blocks[..usize::try_from(newest.height).unwrap()];
        let (height, moment) = match asked.get("time").map(|it| LedgerTime(*it)) {
            None => (asked["as_of"], Moment::Height(asked["as_of"])),
            Some(time) => {
                let earlier = all.iter().rev().find(|it| it.changes.header.time <= time);
                let last = earlier.ok_or(not_covered)?.changes.header.clone();
                if last.height == newest.height {
                    return Err(not_covered);
                }
                let next = self.placed(last.height + 1, newest.height);
                (last.height, Moment::Time { time, last, next })
            }
        };
        let changed = all.iter().filter_map(|it| {
            let change = it.changes.changes.iter().find(|it| it.key == key)?;
            let placed = self.placed(it.changes.header.height, newest.height);
            Some((change.new.clone(), ShownChange::of(&it.changes, &key, placed)?))
        });
        let (past, later): (Vec<_>, Vec<_>) = changed.partition(|it| it.1.leaf.height <= height);
        let (last, next) = (past.into_iter().last(), later.into_iter().next().map(|it| it.1));
        let state = match (last, next) {
            (Some((None, change)), _) => Stood::HadEnded { change },
            (Some((Some(value), change)), _) if change.leaf.height == height => {
                Stood::Had { value, change, next: None }
            }
            (Some((Some(value), change)), next @ Some(_)) => Stood::Had { value, change, next },
            (None, Some(next)) => Stood::WasNot { next },
            (_, None) => return Err("row-unchanged"),
        };
        let certificate = certified.certificate.clone().unwrap();
        Ok(AsOf { key, moment, state, newest, certificate })
    }
}
