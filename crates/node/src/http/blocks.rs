//! The stream of blocks: each as soon as it is final, behind its length.

use axum::body::{Body, Bytes};
use chain::door::Door;
use listen::Shared;

use super::App;

/// One who reads a stream.
struct Reader {
    door: Door,
    shared: Shared,
    height: u64,
    _place: listen::Stream,
}

/// Blocks from `height` on, without end: `length u32 | bytes`, again and again. It ends when the node
/// stops, or does not have the next block. A block is fetched when the one before it was taken.
pub(super) fn stream(app: &App, height: u64, place: listen::Stream) -> Body {
    let reader =
        Reader { door: app.door.clone(), shared: app.shared.clone(), height, _place: place };
    Body::from_stream(futures::stream::unfold(reader, |mut reader| async move {
        let block = reader.next().await?;
        Some((Ok::<_, std::convert::Infallible>(block), reader))
    }))
}

impl Reader {
    async fn next(&mut self) -> Option<Bytes> {
        let height = self.height;
        let block = async {
            self.door.reached(height).await.ok()?;
            self.door
                .block(height)
                .await
                .inspect_err(|error| tracing::warn!(%error, height, "a stream of blocks ended"))
                .ok()?
        };
        let block = tokio::select! {
            biased;
            () = self.shared.stopped() => return None,
            block = block => block?,
        };
        self.height = height.checked_add(1)?;
        let len = u32::try_from(block.len()).expect("a block is shorter than 4 GiB");
        let mut bytes = Vec::with_capacity(block.len() + 4);
        bytes.extend_from_slice(&len.to_be_bytes());
        bytes.extend_from_slice(&block);
        Some(bytes.into())
    }
}
