//! L1 has other blocks than those that are stored.

use aura_storage::L1HeaderRecord;

use super::{
    Tracker,
    step::{Position, Progress},
};
use crate::{L1Error, L1Header, Session, metrics};

/// Headers that are compared at once on the way back.
const BLOCKS_AT_ONCE: u64 = 32;

impl Tracker {
    /// Goes back to the last stored block that the endpoint has too, and forgets what is above it.
    pub(super) async fn rewind(
        &self,
        session: &Session,
        position: &mut Position,
        head: &L1Header,
        tip: &L1HeaderRecord,
    ) -> Result<Progress, L1Error> {
        let ancestor = self.ancestor(session, head, tip).await?;
        let depth = tip.origin.number - ancestor;
        if depth == 0 {
            // It has the newest stored block, and a next one with another parent.
            return Err(session.contradiction("its blocks do not link"));
        }
        tracing::warn!(
            number = ancestor,
            depth,
            tip = tip.origin.number,
            head = head.inner().number,
            "L1 was reorganised"
        );
        metrics::reorganised(depth);
        self.rewind_to(position, ancestor).await?;
        self.publish(position, head, None).await?;
        Ok(Progress::Advanced)
    }

    /// Number of the newest stored block that is on the endpoint's chain.
    async fn ancestor(
        &self,
        session: &Session,
        head: &L1Header,
        tip: &L1HeaderRecord,
    ) -> Result<u64, L1Error> {
        let mut newest = tip.origin.number.min(head.inner().number);
        loop {
            let first = newest.saturating_sub(BLOCKS_AT_ONCE - 1);
            let stored = self
                .read(move |reader| reader.l1_headers(first, BLOCKS_AT_ONCE as usize))
                .await?;
            let stored: Vec<_> = stored
                .into_iter()
                .filter(|stored| stored.origin.number <= newest)
                .collect();
            let too_deep = |oldest| L1Error::ReorgTooDeep {
                oldest,
                tip: tip.origin.number,
                hash: tip.origin.hash,
            };
            let Some(oldest) = stored.first().map(|stored| stored.origin.number) else {
                return Err(too_deep(newest.saturating_add(1)));
            };
            let headers = session.headers(oldest..=newest).await?;
            let pairs = stored.iter().zip(&headers).rev();
            let mut same = pairs.filter(|(stored, header)| stored.origin.hash == header.hash());
            if let Some((stored, _)) = same.next() {
                return Ok(stored.origin.number);
            }
            if oldest == 0 || oldest > first {
                return Err(too_deep(oldest));
            }
            newest = oldest - 1;
        }
    }

    /// Forgets everything above block `number`, as one, and reads the position again.
    pub(super) async fn rewind_to(
        &self,
        position: &mut Position,
        number: u64,
    ) -> Result<(), L1Error> {
        self.write(move |writer| writer.rewind_l1(number)).await?;
        let mut again = self.load_position().await?;
        again.carry(position);
        *position = again;
        Ok(())
    }
}
