//! Every byte of a file of pages is held against its page's checksum, those too that no reader needs.
//!
//! ```text
//!   page of 4096 bytes: content 4084 | length u16, CRC-32 | length u16, CRC-32
//! ```
//!
//! The one with the greater length is over the first `length` bytes of the content. Only a file's last page may
//! be shorter than its content has room for.

use commonware_cryptography::Crc32;
use commonware_runtime::{Blob as _, ReadOptions, Storage};

use crate::{Fault, partition, state::Engine};

/// Bytes of a page.
const PAGE_LEN: usize = 4096;
/// Bytes of its content.
const CONTENT_LEN: usize = PAGE_LEN - 12;
/// Pages read at once.
const PAGES: u64 = 256;

/// Reads every file of these partitions; what is damaged in each.
pub(crate) async fn damaged<E: Engine>(
    context: &E,
    partitions: impl IntoIterator<Item = String>,
) -> Vec<Fault> {
    let mut faults = Vec::new();
    for partition in partitions {
        faults.extend(check(context, &partition).await.err());
    }
    faults
}

/// Reads every file of `partition`, which nobody has open; says which page of which file is damaged.
///
/// # Errors
/// [`Fault::Damaged`] with the first; [`Fault::Engine`].
pub async fn check<S: Storage>(context: &S, partition: &str) -> Result<(), Fault> {
    let fault = |why| Fault::engine(&format!("read {partition}"), why);
    for name in partition::files(context, partition).await? {
        let (blob, len) = context.open(partition, &name).await.map_err(fault)?;
        let page_len = u64::try_from(PAGE_LEN).expect("a small number");
        let pages = len / page_len;
        for first in (0..pages).step_by(usize::try_from(PAGES).expect("a small number")) {
            let count = PAGES.min(pages - first);
            let bytes = usize::try_from(count * page_len).expect("a small number");
            let read = blob.read_at(first * page_len, bytes, ReadOptions::default()).await;
            let read = read.map_err(fault)?.coalesce();
            for (page, bytes) in (first..).zip(read.as_ref().chunks_exact(PAGE_LEN)) {
                if !is_whole(bytes, page + 1 == pages) {
                    let file = hex(&name);
                    let why = format!("page {page} of file {file} has not its checksum");
                    return Err(Fault::damaged(partition, why));
                }
            }
        }
    }
    Ok(())
}

/// Whether the checksum over the most of the page holds.
fn is_whole(page: &[u8], is_last: bool) -> bool {
    let (content, record) = page.split_at(CONTENT_LEN);
    let len = |slot: &[u8]| usize::from(u16::from_be_bytes([slot[0], slot[1]]));
    let (one, other) = record.split_at(6);
    let slot = if len(one) >= len(other) { one } else { other };
    let fits =
        if is_last { 0 < len(slot) && len(slot) <= CONTENT_LEN } else { len(slot) == CONTENT_LEN };
    fits && Crc32::checksum(&content[..len(slot)]).to_be_bytes() == slot[2..6]
}

fn hex(name: &[u8]) -> String {
    name.iter().map(|it| format!("{it:02x}")).collect()
}
