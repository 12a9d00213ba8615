//! Rows that are withheld change nothing; many instructions take few calls.

mod sealed;

use ledger::{Instruction, Signed};
use types::{LedgerTime, Wire as _};

use super::*;
use crate::testing::{Context, Node, first, morning, pay, run, signed};

/// A node whose members have accounts, and its newest block.
async fn morning_over(context: &Context) -> (Node, Block) {
    let mut node = Node::start(context, "one").await;
    let block = node.advance(&first(), 1).await;
    for it in morning() {
        node.put(&it).await;
    }
    let block = node.advance(&block, 2).await;
    assert_eq!(block.body().envelopes.len(), 9);
    (node, block)
}

fn place(parent: &Block) -> Place {
    let header = parent.header();
    Place {
        height: header.height + 1,
        time: LedgerTime(header.time.0 + 1),
        parent: crypto::header_digest(header),
        ..Place::of(header)
    }
}

/// Executes `envelopes`, with the rows of `known` fetched beforehand. The header and the calls.
async fn execute(
    node: &Node,
    parent: &Block,
    envelopes: &[Signed],
    known: &[Signed],
) -> (Header, u32) {
    let (market, place) = (crate::testing::market(), place(parent));
    let draft = node.state.draft().await;
    let known = known.iter().map(|it| &it.envelope);
    let mut run = Run::begin(&market, Index::default(), &place, known, draft).await.unwrap();
    for it in envelopes {
        run.apply(&it.envelope, None).await.unwrap().unwrap();
    }
    let calls = run.rows.calls();
    let roots = (Digest([0; 32]), Digest([0; 32]));
    (run.end(place, roots).await.unwrap().0, calls)
}

/// Payments that settle, that wait, and one that is refused.
fn payments(count: u32) -> Vec<Instruction> {
    (0..count)
        .map(|it| match it % 8 {
            0 => pay(2, 3, 1),
            1 => pay(3, 2, 1),
            it => pay(2, 3, 5_000 + i64::from(it)),
        })
        .collect()
}

#[test]
fn rows_that_are_withheld_change_nothing_but_the_number_of_calls() {
    run(|context| async move {
        let (node, parent) = morning_over(&context).await;
        let envelopes = [
            signed(2, 0, 1, payments(40)),
            signed(3, 0, 1, payments(9)),
            signed(4, 0, 1, vec![pay(4, 2, 7)]),
        ];
        let (known, few) = execute(&node, &parent, &envelopes, &envelopes).await;
        let (withheld, more) = execute(&node, &parent, &envelopes, &[]).await;
        let (some, between) = execute(&node, &parent, &envelopes, &envelopes[1..]).await;
        assert_eq!(withheld, known);
        assert_eq!(some, known);
        assert!(few < more && between <= more, "{few} {between} {more}");
    });
}

#[test]
fn the_number_of_calls_does_not_grow_with_the_number_of_instructions() {
    run(|context| async move {
        let (node, parent) = morning_over(&context).await;
        let mut calls = Vec::new();
        for count in [10, 100, 1_000] {
            let envelopes = [signed(2, 0, 1, payments(count))];
            assert!(envelopes[0].to_bytes().len() < 1 << 18);
            calls.push(execute(&node, &parent, &envelopes, &envelopes).await.1);
        }
        assert!(calls[2] <= calls[0] + 4, "{calls:?}");
    });
}
