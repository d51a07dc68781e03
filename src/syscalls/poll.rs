use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use super::table::{Trap, needs};
use crate::abi::{
    Clockid, Errno, Event, EventFdReadwrite, Eventrwflags, Filetype, RawSubscription, Record, Size,
    Snapshot, Subclockflags, Subscription, SubscriptionClock, SubscriptionU, Timestamp, snapshot0,
};
use crate::ctx::{Clocks, FdEntry, WasiCtx};
use crate::host::{Direction, PollEntry, Readiness};
use crate::memory::{GuestMemory, GuestPtr};
use crate::vfs::Poll;

/// As many as most guests wait for at once need no allocation.
type Few<T> = SmallVec<[T; 2]>;

/// `poll_oneoff(subscriptions, events, nsubscriptions) -> nevents`—Waits until at least one of the
/// subscriptions has something to tell, like `ppoll`, and writes what each of those has.
///
/// ```text
///   subscriptions, 48 bytes each (56 in snapshot 0)
///   | userdata: u64 | tag: u8, 0… | id: u32, 0… | timeout: u64 | precision: u64 | flags: u16, 0… |
///   | userdata: u64 | tag: u8, 0… | fd: u32, 0…                                                  |
///
///   events, 32 bytes each
///   | userdata: u64 | error: u16 | type: u8, 0… | nbytes: u64 | flags: u16, 0… |
/// ```
///
/// A subscription that cannot be waited for tells its error as its event, at once: `EBADF` for a
/// descriptor that is not open, `ENOTCAPABLE` for one without `POLL_FD_READWRITE`, `EISDIR` for that
/// of a directory, `EINVAL` for no clock, `ENOTSUP` for a clock that stands still while the guest
/// waits.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: a pointer leads outside memory, with room for `nsubscriptions` of each.
/// [`Errno::Inval`]: no subscriptions, too many, or one of no known kind.
pub fn poll_oneoff(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    subscriptions: GuestPtr<u8>,
    events: GuestPtr<Event>,
    nsubscriptions: Size,
    nevents: GuestPtr<Size>,
) -> Result<(), Trap> {
    let nevents = memory.place(nevents)?;
    let places = memory.array(events, nsubscriptions)?;
    let subscriptions = read(ctx, memory, subscriptions, nsubscriptions)?;
    let waits: Few<_> = (subscriptions.iter())
        .map(|subscription| Wait::new(ctx, subscription))
        .collect();
    let events = wait(ctx, &waits)?;
    for (place, event) in places.places().zip(&events) {
        place.write(*event);
    }
    nevents.write(events.len() as Size);
    Ok(())
}

/// The subscriptions, in the layout of the guest's ABI.
fn read(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    subscriptions: GuestPtr<u8>,
    nsubscriptions: Size,
) -> Result<Few<Subscription>, Trap> {
    fn each<T: Record<Error = Infallible>>(
        ctx: &WasiCtx,
        memory: GuestMemory<'_>,
        at: u32,
        len: Size,
        subscription: impl Fn(T) -> Option<Subscription>,
    ) -> Result<Few<Subscription>, Trap> {
        let places = memory.array(GuestPtr::<T>::new(at), len)?;
        if len == 0 || len > ctx.limits.subscriptions {
            return Err(Errno::Inval.into());
        }
        (places.places())
            .map(|place| subscription(place.read()).ok_or(Trap::Errno(Errno::Inval)))
            .collect()
    }
    let at = subscriptions.offset();
    match ctx.snapshot {
        Snapshot::Snapshot0 => each(ctx, memory, at, nsubscriptions, |raw| {
            snapshot0::RawSubscription::subscription(&raw)
        }),
        Snapshot::Preview1 => each(ctx, memory, at, nsubscriptions, |raw| {
            RawSubscription::subscription(&raw)
        }),
    }
}

/// A subscription, ready to be waited for.
struct Wait<'s> {
    subscription: &'s Subscription,
    what: Result<What, Errno>,
}

enum What {
    Clock { id: Clockid, deadline: Timestamp },
    Fd(Arc<FdEntry>, Direction),
}

impl<'s> Wait<'s> {
    fn new(ctx: &WasiCtx, subscription: &'s Subscription) -> Self {
        let fd = |fd, direction| {
            let entry = ctx.get(fd, needs::poll_oneoff)?;
            if entry.filetype()? == Filetype::Directory {
                return Err(Errno::Isdir);
            }
            Ok(What::Fd(entry, direction))
        };
        let what = match subscription.u {
            SubscriptionU::Clock(ref clock) => deadline(ctx, clock),
            SubscriptionU::FdRead(file_descriptor) => fd(file_descriptor, Direction::Read),
            SubscriptionU::FdWrite(file_descriptor) => fd(file_descriptor, Direction::Write),
        };
        Self { subscription, what }
    }

    /// Where to look for what a descriptor has to tell.
    fn poll(&self) -> Result<Option<(Poll<'_>, Direction)>, Errno> {
        match &self.what {
            Ok(What::Fd(entry, direction)) => {
                Ok(Some((entry.descriptor().poll(*direction)?, *direction)))
            }
            Ok(What::Clock { .. }) | Err(_) => Ok(None),
        }
    }

    /// What it has to tell, with what was `found` out about a descriptor; none as long as that is nothing.
    fn outcome(
        &self,
        ctx: &WasiCtx,
        found: Option<io::Result<Readiness>>,
    ) -> Option<Result<Readiness, Errno>> {
        match &self.what {
            Ok(What::Fd(entry, direction)) if entry.is_shut(*direction) => Some(Ok(SHUT)),
            Ok(What::Fd(entry, direction)) => Some(found?.map_err(Errno::from).map(|readiness| {
                let nbytes = match direction {
                    Direction::Read => entry.descriptor().bytes_left(ctx.interrupt()),
                    Direction::Write => None,
                };
                Readiness {
                    nbytes: nbytes.unwrap_or(readiness.nbytes),
                    ..readiness
                }
            })),
            Ok(What::Clock { id, deadline }) => match ctx.clocks().now(*id) {
                Ok(now) => (now >= *deadline).then_some(Ok(Readiness::default())),
                Err(errno) => Some(Err(errno)),
            },
            Err(errno) => Some(Err(*errno)),
        }
    }

    fn event(&self, found: Result<Readiness, Errno>) -> Event {
        let readiness = found.unwrap_or_default();
        let mut flags = Eventrwflags::empty();
        flags.set(Eventrwflags::FD_READWRITE_HANGUP, readiness.hangup);
        Event {
            userdata: self.subscription.userdata,
            error: found.err().unwrap_or(Errno::Success),
            r#type: self.subscription.u.eventtype(),
            fd_readwrite: EventFdReadwrite {
                nbytes: readiness.nbytes,
                flags: flags.bits(),
            },
        }
    }
}

fn deadline(ctx: &WasiCtx, clock: &SubscriptionClock) -> Result<What, Errno> {
    let id = match Clockid::from_raw(clock.id).ok_or(Errno::Inval)? {
        id @ (Clockid::Realtime | Clockid::Monotonic) => id,
        Clockid::ProcessCputimeId | Clockid::ThreadCputimeId => return Err(Errno::Notsup),
    };
    let flags = Subclockflags::from_bits_truncate(clock.flags);
    if flags.contains(Subclockflags::SUBSCRIPTION_CLOCK_ABSTIME) {
        let deadline = clock.timeout;
        return Ok(What::Clock { id, deadline });
    }
    // However the clock is set in the meantime, so much time must pass.
    let id = Clockid::Monotonic;
    let now = || ctx.clocks().now(id);
    let begun = match ctx.interrupt().suspension() {
        Some(suspension) => suspension.begun(now)?,
        None => now()?,
    };
    let deadline = begun.saturating_add(clock.timeout);
    Ok(What::Clock { id, deadline })
}

/// What a stream tells in a direction in which the guest has shut it.
const SHUT: Readiness = Readiness {
    nbytes: 0,
    hangup: true,
};

/// Waits until there is an event.
fn wait(ctx: &WasiCtx, waits: &[Wait<'_>]) -> Result<Few<Event>, Errno> {
    let clocks = ctx.clocks();
    // Clocks that move only when the guest waits do so once it is known that there is nothing else.
    let mut looked = matches!(clocks, Clocks::Host);
    loop {
        let polls = waits
            .iter()
            .map(Wait::poll)
            .collect::<Result<Few<_>, _>>()?;
        let mut entries: Few<_> = (polls.iter().flatten())
            .filter_map(|(poll, direction)| match poll {
                Poll::Host(file) => Some(PollEntry {
                    file,
                    direction: *direction,
                    revents: None,
                }),
                Poll::Ready(_) | Poll::Unready => None,
            })
            .collect();
        let mut found_out = polls.iter().flatten();
        let time_left = if found_out.any(|(poll, _)| matches!(poll, Poll::Ready(_))) {
            Some(Duration::ZERO)
        } else if !looked {
            looked = true;
            Some(Duration::ZERO)
        } else {
            time_left(clocks, waits).map(|time| clocks.pass(time))
        };
        let is_for_embedder = entries.is_empty() && time_left.is_none();
        if is_for_embedder
            && polls
                .iter()
                .flatten()
                .any(|(poll, _)| matches!(poll, Poll::Unready))
        {
            return Err(ctx.interrupt().wait_for_embedder().into());
        }
        // With nothing to look at and no time to wait, there is nothing to ask the host.
        if !entries.is_empty() || time_left != Some(Duration::ZERO) {
            (ctx.interrupt()).poll(&mut entries, time_left)?;
        }
        let mut found = entries.into_iter().map(|entry| entry.revents);
        let events: Few<_> = (waits.iter().zip(&polls))
            .filter_map(|(wait, poll)| {
                let found = match poll {
                    Some((Poll::Ready(readiness), _)) => Some(Ok(*readiness)),
                    Some((Poll::Host(_), _)) => found.next().flatten(),
                    Some((Poll::Unready, _)) | None => None,
                };
                Some(wait.event(wait.outcome(ctx, found)?))
            })
            .collect();
        // The host's wait ends early where the time is far, by a signal, or by a clock that was set.
        if !events.is_empty() {
            return Ok(events);
        }
    }
}

/// How long until there is an event in any case; none where that may be never.
fn time_left(clocks: &Clocks, waits: &[Wait<'_>]) -> Option<Duration> {
    (waits.iter())
        .filter_map(|wait| match &wait.what {
            Ok(What::Fd(entry, direction)) => entry.is_shut(*direction).then_some(Duration::ZERO),
            Ok(What::Clock { id, deadline }) => {
                let now = clocks.now(*id).unwrap_or(*deadline);
                Some(Duration::from_nanos(deadline.saturating_sub(now)))
            }
            Err(_) => Some(Duration::ZERO),
        })
        .min()
}
