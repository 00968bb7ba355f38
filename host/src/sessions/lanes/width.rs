//! How many chains a CPU computes at once.

use md5::block_api::compress;

use super::lane::Lane;
#[cfg(target_arch = "x86_64")]
use super::{Blocks, States, avx2, avx512};

/// How many chains a CPU computes at once. A value shows that this CPU can: only [`of_this_cpu`](Self::of_this_cpu) makes one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Width(Vectors);

/// The widest vectors that are used.
#[derive(Clone, Copy, Debug)]
enum Vectors {
    #[cfg(target_arch = "x86_64")]
    Avx512,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    None,
}

impl Width {
    /// All widths that this CPU has, the largest first.
    pub(super) fn of_this_cpu() -> Vec<Self> {
        let all = [
            #[cfg(target_arch = "x86_64")]
            Vectors::Avx512,
            #[cfg(target_arch = "x86_64")]
            Vectors::Avx2,
            Vectors::None,
        ];
        all.into_iter().filter(Vectors::exist).map(Self).collect()
    }

    /// How many lanes there are.
    pub(super) fn lanes(self) -> usize {
        match self.0 {
            #[cfg(target_arch = "x86_64")]
            Vectors::Avx512 => avx512::LANES,
            #[cfg(target_arch = "x86_64")]
            Vectors::Avx2 => avx2::LANES,
            Vectors::None => 1,
        }
    }

    /// Advances all lanes by the same number of blocks, until the text or the padding of one of them ends.
    #[cfg_attr(
        target_arch = "x86_64",
        expect(unsafe_code, reason = "only the caller knows what the CPU can do")
    )]
    pub(super) fn advance(self, lanes: &mut [Lane<'_>]) {
        match (self.0, lanes) {
            (_, []) => {}
            (_, [lane]) => advance_alone(lane),
            #[cfg(target_arch = "x86_64")]
            (Vectors::Avx512, lanes) => advance_together(lanes, |states, blocks, count| {
                // SAFETY: the CPU has AVX-512F, because `of_this_cpu` made this width.
                unsafe { avx512::add_blocks(states, blocks, count) }
            }),
            #[cfg(target_arch = "x86_64")]
            (Vectors::Avx2, lanes) => advance_together(lanes, |states, blocks, count| {
                // SAFETY: the CPU has AVX2, because `of_this_cpu` made this width.
                unsafe { avx2::add_blocks(states, blocks, count) }
            }),
            (Vectors::None, lanes) => lanes.iter_mut().for_each(advance_alone),
        }
    }
}

impl Vectors {
    fn exist(&self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512 => is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => is_x86_feature_detected!("avx2"),
            Self::None => true,
        }
    }
}

fn advance_alone(lane: &mut Lane<'_>) {
    let (mut state, blocks) = (lane.state(), lane.next());
    compress(&mut state, blocks);
    lane.advance(blocks.len(), state);
}

/// The lanes that have no text repeat the first one's.
#[cfg(target_arch = "x86_64")]
fn advance_together<const LANES: usize>(
    lanes: &mut [Lane<'_>],
    add_blocks: impl FnOnce(&mut States<LANES>, [Blocks<'_>; LANES], usize),
) {
    let count = lanes.iter().map(|lane| lane.next().len()).min().unwrap_or(0);
    let lane = |number: usize| lanes.get(number).unwrap_or(&lanes[0]);
    let blocks = std::array::from_fn(|number| &lane(number).next()[..count]);
    let mut states = std::array::from_fn(|word| std::array::from_fn(|number| lane(number).state()[word]));
    add_blocks(&mut states, blocks, count);
    for (number, lane) in lanes.iter_mut().enumerate() {
        lane.advance(count, states.map(|words| words[number]));
    }
}
