use std::io;
use std::sync::Arc;
use std::time::Duration;

use smallvec::SmallVec;

use super::table::{Trap, needs};
use crate::abi::{
    Clockid, Errno, Event, EventFdReadwrite, Eventrwflags, Filetype, Layout, Size, Subclockflags,
    Subscription, SubscriptionClock, SubscriptionU, Timestamp,
};
use crate::ctx::{Clocks, FdEntry, WasiCtx};
use crate::host::{self, Direction, PollEntry, Readiness};
use crate::memory::{GuestMemory, GuestPtr};
use crate::vfs::Poll;

/// A vector that needs no allocation for as many elements as most guests have subscriptions.
type Few<T> = SmallVec<[T; 2]>;

/// `poll_oneoff(subscriptions, events, nsubscriptions) -> nevents`—Waits until at least one of the
/// subscriptions has an event, like `ppoll`, and writes the events.
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
/// A subscription that cannot be waited for has an event with an error, at once: `EBADF` for a descriptor that
/// is not open, `ENOTCAPABLE` without the right `POLL_FD_READWRITE`, `EISDIR` for a directory, `EINVAL` for an
/// unknown clock, `ENOTSUP` for a clock that does not advance while the guest waits.
///
/// # Errors
///
/// [`Trap::OutOfBounds`]: a pointer leads outside memory, or there is no room for `nsubscriptions` of each.
/// [`Errno::Inval`]: there are no subscriptions, too many, or one of an unknown type.
pub fn poll_oneoff<L: Layout>(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    subscriptions: GuestPtr<u8>,
    events: GuestPtr<Event>,
    nsubscriptions: Size,
    nevents: GuestPtr<Size>,
) -> Result<(), Trap> {
    let nevents = memory.place(nevents)?;
    let places = memory.array(events, nsubscriptions)?;
    let subscriptions = read::<L>(ctx, memory, subscriptions.cast(), nsubscriptions)?;
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

/// Reads the subscriptions.
fn read<L: Layout>(
    ctx: &WasiCtx,
    memory: GuestMemory<'_>,
    subscriptions: GuestPtr<L::RawSubscription>,
    nsubscriptions: Size,
) -> Result<Few<Subscription>, Trap> {
    let places = memory.array(subscriptions, nsubscriptions)?;
    if nsubscriptions == 0 || nsubscriptions > ctx.limits.subscriptions {
        return Err(Errno::Inval.into());
    }
    (places.places())
        .map(|place| L::subscription(&place.read()).ok_or(Trap::Errno(Errno::Inval)))
        .collect()
}

/// A subscription, checked.
struct Wait<'s> {
    subscription: &'s Subscription,
    what: Result<What, Errno>,
}

enum What {
    Clock {
        id: Clockid,
        /// When the guest began to wait.
        begun: Timestamp,
        deadline: Timestamp,
    },
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

    /// How to find out whether the descriptor is ready; `None` for a clock and for an error.
    fn poll(&self) -> Result<Option<(Poll<'_>, Direction)>, Errno> {
        match &self.what {
            Ok(What::Fd(entry, direction)) => {
                Ok(Some((entry.descriptor().poll(*direction)?, *direction)))
            }
            Ok(What::Clock { .. }) | Err(_) => Ok(None),
        }
    }

    /// The event of this subscription, if it has one. `found` is the readiness of its descriptor, if that is
    /// known.
    fn outcome(
        &self,
        ctx: &WasiCtx,
        waited: Duration,
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
            Ok(What::Clock {
                id,
                begun,
                deadline,
            }) => match ctx.clocks().now(*id) {
                Ok(now) => {
                    let now = now.max(after(*begun, waited));
                    (now >= *deadline).then_some(Ok(Readiness::default()))
                }
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
        let begun = match ctx.clocks() {
            // The present time is read when it is needed, as it advances while the guest waits.
            Clocks::Host => 0,
            Clocks::Other(other) => other.now(id)?,
        };
        let deadline = clock.timeout;
        return Ok(What::Clock {
            id,
            begun,
            deadline,
        });
    }
    // A relative timeout is measured by the monotonic clock, so that setting the realtime clock does not change
    // it.
    let id = Clockid::Monotonic;
    let begun = match (ctx.clocks(), ctx.interrupt().suspension()) {
        (Clocks::Host, Some(suspension)) => suspension.begun(),
        (clocks, _) => clocks.now(id)?,
    };
    let deadline = begun.saturating_add(clock.timeout);
    Ok(What::Clock {
        id,
        begun,
        deadline,
    })
}

/// The time `waited` after `begun`.
fn after(begun: Timestamp, waited: Duration) -> Timestamp {
    let waited = waited.as_nanos().try_into().unwrap_or(Timestamp::MAX);
    begun.saturating_add(waited)
}

/// How long the host has waited, for a guest with a clock of the embedder. Such a clock need not advance
/// meanwhile, or may go back: a timeout is also over when the host has waited for so long.
#[derive(Default)]
struct Waited {
    time: Duration,
}

impl Waited {
    /// The time since a call began that was suspended and is made again.
    fn before(ctx: &WasiCtx) -> Self {
        let time = match (ctx.clocks(), ctx.interrupt().suspension()) {
            (Clocks::Other(_), Some(suspension)) => {
                let begun = suspension.begun();
                let now = host::clock_time(Clockid::Monotonic);
                Duration::from_nanos(now.saturating_sub(begun))
            }
            _ => Duration::ZERO,
        };
        Self { time }
    }

    /// Waits: see [`Interrupt::poll`](crate::host::Interrupt::poll).
    fn poll(
        &mut self,
        ctx: &WasiCtx,
        entries: &mut [PollEntry<'_>],
        time_left: Option<Duration>,
    ) -> io::Result<()> {
        if matches!(ctx.clocks(), Clocks::Host) {
            return ctx.interrupt().poll(entries, time_left);
        }
        let begun = host::clock_time(Clockid::Monotonic);
        ctx.interrupt().poll(entries, time_left)?;
        let now = host::clock_time(Clockid::Monotonic);
        let passed = Duration::from_nanos(now.saturating_sub(begun));
        self.time += time_left.map_or(passed, |time| passed.min(time));
        Ok(())
    }
}

/// The readiness of a stream in a direction that the guest has shut down.
const SHUT: Readiness = Readiness {
    nbytes: 0,
    hangup: true,
};

/// How to find out about each subscription: see [`Wait::poll`].
type Polls<'p> = Few<Option<(Poll<'p>, Direction)>>;

/// Waits until there is an event.
fn wait(ctx: &WasiCtx, waits: &[Wait<'_>]) -> Result<Few<Event>, Errno> {
    let clocks = ctx.clocks();
    // Clocks that advance only when the guest waits are not advanced before it is known that no descriptor is
    // ready.
    let mut looked = matches!(clocks, Clocks::Host);
    let mut waited = Waited::before(ctx);
    let asked = match clocks {
        Clocks::Host => None,
        Clocks::Other(_) => time_left(clocks, waits, Duration::ZERO),
    };
    loop {
        let polls: Polls<'_> = waits.iter().map(Wait::poll).collect::<Result<_, _>>()?;
        let mut entries = host_entries(&polls);
        let mut found_out = polls.iter().flatten();
        let time_left = if found_out.any(|(poll, _)| matches!(poll, Poll::Ready(_))) {
            Some(Duration::ZERO)
        } else if !looked {
            looked = true;
            Some(Duration::ZERO)
        } else {
            time_left(clocks, waits, waited.time).map(|time| clocks.pass(time))
        };
        let mut for_embedder = polls.iter().flatten();
        if entries.is_empty()
            && time_left.is_none()
            && for_embedder.any(|(poll, _)| matches!(poll, Poll::Unready))
        {
            return Err(ctx.interrupt().wait_for_embedder().into());
        }
        // With no descriptor to poll and no time to wait, there is no need to call the host.
        if !entries.is_empty() || time_left != Some(Duration::ZERO) {
            waited.poll(ctx, &mut entries, time_left)?;
        }
        let events = events(ctx, waits, &polls, entries, waited.time);
        // Without an event, wait again: the host may wait for less than the timeout, and a signal or a clock
        // that is set ends its wait.
        if !events.is_empty() {
            clocks.waited(asked.map_or(waited.time, |asked| waited.time.min(asked)));
            return Ok(events);
        }
    }
}

/// The files of the host that have to be polled.
fn host_entries<'p>(polls: &Polls<'p>) -> Few<PollEntry<'p>> {
    (polls.iter().flatten())
        .filter_map(|(poll, direction)| match poll {
            Poll::Host(file) => Some(PollEntry {
                file,
                direction: *direction,
                revents: None,
            }),
            Poll::Ready(_) | Poll::Unready => None,
        })
        .collect()
}

/// The events that there are, after the [`host_entries`] have been polled.
fn events(
    ctx: &WasiCtx,
    waits: &[Wait<'_>],
    polls: &Polls<'_>,
    entries: Few<PollEntry<'_>>,
    waited: Duration,
) -> Few<Event> {
    let mut found = entries.into_iter().map(|entry| entry.revents);
    (waits.iter().zip(polls))
        .filter_map(|(wait, poll)| {
            let found = match poll {
                Some((Poll::Ready(readiness), _)) => Some(Ok(*readiness)),
                Some((Poll::Host(_), _)) => found.next().flatten(),
                Some((Poll::Unready, _)) | None => None,
            };
            Some(wait.event(wait.outcome(ctx, waited, found)?))
        })
        .collect()
}

/// The time until the first timeout; zero if there is an event already, `None` if there is no timeout.
fn time_left(clocks: &Clocks, waits: &[Wait<'_>], waited: Duration) -> Option<Duration> {
    (waits.iter())
        .filter_map(|wait| match &wait.what {
            Ok(What::Fd(entry, direction)) => entry.is_shut(*direction).then_some(Duration::ZERO),
            Ok(What::Clock {
                id,
                begun,
                deadline,
            }) => {
                let now = clocks.now(*id).unwrap_or(*deadline);
                let now = now.max(after(*begun, waited));
                Some(Duration::from_nanos(deadline.saturating_sub(now)))
            }
            Err(_) => Some(Duration::ZERO),
        })
        .min()
}
