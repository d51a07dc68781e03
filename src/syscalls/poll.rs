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

/// The subscriptions.
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

/// A subscription, ready to be waited for.
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

    /// Where to look for what a descriptor has to tell.
    fn poll(&self) -> Result<Option<(Poll<'_>, Direction)>, Errno> {
        match &self.what {
            Ok(What::Fd(entry, direction)) => {
                Ok(Some((entry.descriptor().poll(*direction)?, *direction)))
            }
            Ok(What::Clock { .. }) | Err(_) => Ok(None),
        }
    }

    /// What it has to tell, with what was `found` out about a descriptor; `None` as long as that is nothing.
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
            // It moves as the guest waits.
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
    // However the clock is set in the meantime, so much time must pass.
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

/// The time so long after another.
fn after(begun: Timestamp, waited: Duration) -> Timestamp {
    let waited = waited.as_nanos().try_into().unwrap_or(Timestamp::MAX);
    begun.saturating_add(waited)
}

/// How long the host has waited for a guest whose clocks are not its own. Those need not move meanwhile, or
/// go back: a wait is over when it has taken its time.
#[derive(Default)]
struct Waited {
    time: Duration,
}

impl Waited {
    /// What has passed of a call that has been suspended, and is made again.
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
    let mut waited = Waited::before(ctx);
    let asked = match clocks {
        Clocks::Host => None,
        Clocks::Other(_) => time_left(clocks, waits, Duration::ZERO),
    };
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
            time_left(clocks, waits, waited.time).map(|time| clocks.pass(time))
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
            waited.poll(ctx, &mut entries, time_left)?;
        }
        let mut found = entries.into_iter().map(|entry| entry.revents);
        let events: Few<_> = (waits.iter().zip(&polls))
            .filter_map(|(wait, poll)| {
                let found = match poll {
                    Some((Poll::Ready(readiness), _)) => Some(Ok(*readiness)),
                    Some((Poll::Host(_), _)) => found.next().flatten(),
                    Some((Poll::Unready, _)) | None => None,
                };
                Some(wait.event(wait.outcome(ctx, waited.time, found)?))
            })
            .collect();
        // The host's wait ends early where the time is far, by a signal, or by a clock that was set.
        if !events.is_empty() {
            clocks.waited(asked.map_or(waited.time, |asked| waited.time.min(asked)));
            return Ok(events);
        }
    }
}

/// How long until there is an event in any case; `None` if that may be never.
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
