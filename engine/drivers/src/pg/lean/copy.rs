//! COPY over a connection of the lean client.

use std::rc::Rc;

use bytes::BufMut;
use postgres_protocol::message::frontend;

use crate::Value;
use crate::pg::copy::{CopyTarget, Encoder};
use crate::pg::errand::Errand;
use crate::pg::error::{PgError, Stage};
use crate::pg::fault::Fault;
use crate::pg::lean::batch::ask;
use crate::pg::lean::connection::{Connection, Stop};
use crate::pg::lean::own::Own;
use crate::pg::lean::wire::Whole;
use crate::pg::reply::{Answer, Reply};
use crate::pg::rows::Description;

impl Own {
    pub(crate) async fn copy_in<R: AsRef<[Value]>>(
        &self,
        mut errand: Errand<'_>,
        target: &CopyTarget,
        mut rows: impl Iterator<Item = R>,
    ) -> Reply {
        let result = self.try_copy(&mut errand, target, &mut rows).await;
        errand.reply(&target.sql, result)
    }

    async fn try_copy<R: AsRef<[Value]>>(
        &self,
        errand: &mut Errand<'_>,
        target: &CopyTarget,
        rows: &mut dyn Iterator<Item = R>,
    ) -> Result<Answer, Box<PgError>> {
        let (mut connection, outline) = self.wait_ready(errand, &target.outline).await?;
        let encoder = match Encoder::new(target, &outline.description) {
            Ok(encoder) => encoder,
            Err(error) => {
                self.put(connection);
                return Err(error);
            }
        };
        ask(&mut connection, &target.sql, target.sql.sql())?;
        let mut bytes_sent = 0;
        let copying = send_rows(&mut connection, target, encoder, rows, &mut bytes_sent);
        let copied = errand.guard(&target.sql, Stage::Answer, copying).await;
        errand.bytes_sent = bytes_sent;
        let (whole, bad_row) = copied?.map_err(|fault| errand.error(&target.sql, fault))?;
        self.put(connection);
        let nothing = Description { params: Box::new([]), columns: Rc::new([]) };
        let answer = errand.answer(&target.sql, whole, &nothing);
        bad_row.map_or(answer, Err)
    }
}

type Copied = (Whole, Option<Box<PgError>>);

async fn send_rows<R: AsRef<[Value]>>(
    connection: &mut Connection,
    target: &CopyTarget,
    mut encoder: Encoder,
    rows: &mut dyn Iterator<Item = R>,
    bytes_sent: &mut u64,
) -> Result<Copied, Fault> {
    *bytes_sent += connection.output.len() as u64;
    if let Stop::Reply(refused) = connection.exchange_until_stop().await? {
        return Ok((refused, None));
    }
    let mut bad_row = None;
    loop {
        let frame = connection.output.len();
        connection.output.put_slice(&[b'd', 0, 0, 0, 0]);
        match encoder.piece(target, rows, &mut connection.output) {
            Ok(more) => {
                // A piece is far smaller than 4 GiB unless one row is larger, which Postgres has no room for.
                let length = (connection.output.len() - frame - 1) as u32;
                connection.output[frame + 1..frame + 5].copy_from_slice(&length.to_be_bytes());
                *bytes_sent += connection.output.len() as u64;
                if more {
                    connection.push().await?;
                    if connection.has_refused() {
                        break;
                    }
                    continue;
                }
                frontend::copy_done(&mut connection.output);
            }
            Err(error) => {
                connection.output.truncate(frame);
                // Its text has no zero byte.
                let _ = frontend::copy_fail("a row does not fit the table", &mut connection.output);
                bad_row = Some(error);
            }
        }
        break;
    }
    Ok((connection.exchange().await?, bad_row))
}
