//! The 64 steps of MD5 over one block, for vectors of any width.

/// Adds one block to a state. Each word of the state and of the block is a vector: it holds that word of every lane. The
/// module that uses this macro has the functions on its vectors: `add`, `splat`, `rotate`, and `f`, `g`, `h` and `i` of
/// RFC 1321.
macro_rules! compress {
    ($state:ident, $block:ident) => {{
        use super::rounds::{CONSTANTS, SHIFTS};
        let [mut a, mut b, mut c, mut d] = $state;
        macro_rules! step {
            ($mix:ident, $a:ident, $b:ident, $c:ident, $d:ident, $word:expr, $constant:expr, $shift:expr) => {
                let sum = add(
                    add($a, $mix($b, $c, $d)),
                    add($block[$word % 16], splat($constant)),
                );
                $a = add($b, rotate::<{ $shift }>(sum));
            };
        }
        // The steps of a round take the words of the block from `first` on, each `stride` after the one before.
        macro_rules! round {
            ($round:literal, $mix:ident, $first:literal, $stride:literal) => {
                for turn in 0..4 {
                    let (step, word) = (4 * turn, $first + 4 * turn * $stride);
                    let constants = &CONSTANTS[$round][step..];
                    step!($mix, a, b, c, d, word, constants[0], SHIFTS[$round][0]);
                    step!($mix, d, a, b, c, word + $stride, constants[1], SHIFTS[$round][1]);
                    step!(
                        $mix,
                        c,
                        d,
                        a,
                        b,
                        word + 2 * $stride,
                        constants[2],
                        SHIFTS[$round][2]
                    );
                    step!(
                        $mix,
                        b,
                        c,
                        d,
                        a,
                        word + 3 * $stride,
                        constants[3],
                        SHIFTS[$round][3]
                    );
                }
            };
        }
        round!(0, f, 0, 1);
        round!(1, g, 1, 5);
        round!(2, h, 5, 3);
        round!(3, i, 0, 7);
        [
            add($state[0], a),
            add($state[1], b),
            add($state[2], c),
            add($state[3], d),
        ]
    }};
}

pub(super) use compress;

/// By how many bits the four kinds of step of each round rotate.
pub(super) const SHIFTS: [[i32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// The constants of RFC 1321, one row for each round.
pub(super) const CONSTANTS: [[u32; 16]; 4] = [
    [
        0xd76aa478, 0xe8c7b756, 0x242070db, 0xc1bdceee, 0xf57c0faf, 0x4787c62a, 0xa8304613, 0xfd469501, 0x698098d8,
        0x8b44f7af, 0xffff5bb1, 0x895cd7be, 0x6b901122, 0xfd987193, 0xa679438e, 0x49b40821,
    ],
    [
        0xf61e2562, 0xc040b340, 0x265e5a51, 0xe9b6c7aa, 0xd62f105d, 0x02441453, 0xd8a1e681, 0xe7d3fbc8, 0x21e1cde6,
        0xc33707d6, 0xf4d50d87, 0x455a14ed, 0xa9e3e905, 0xfcefa3f8, 0x676f02d9, 0x8d2a4c8a,
    ],
    [
        0xfffa3942, 0x8771f681, 0x6d9d6122, 0xfde5380c, 0xa4beea44, 0x4bdecfa9, 0xf6bb4b60, 0xbebfbc70, 0x289b7ec6,
        0xeaa127fa, 0xd4ef3085, 0x04881d05, 0xd9d4d039, 0xe6db99e5, 0x1fa27cf8, 0xc4ac5665,
    ],
    [
        0xf4292244, 0x432aff97, 0xab9423a7, 0xfc93a039, 0x655b59c3, 0x8f0ccc92, 0xffeff47d, 0x85845dd1, 0x6fa87e4f,
        0xfe2ce6e0, 0xa3014314, 0x4e0811a1, 0xf7537e82, 0xbd3af235, 0x2ad7d2bb, 0xeb86d391,
    ],
];
