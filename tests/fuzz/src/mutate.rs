//! `Mutator`: changes files.

/// Makes changed files out of a corpus, always the same ones from the same seed.
pub struct Mutator {
    state: u64,
}

/// Numbers at which things break.
const EDGES: [u64; 14] = [
    0,
    1,
    2,
    7,
    8,
    16,
    255,
    256,
    65_535,
    65_536,
    1 << 31,
    u32::MAX as u64,
    1 << 63,
    u64::MAX,
];
/// Files do not grow for ever.
const MOST_BYTES: usize = 1 << 20;

impl Mutator {
    pub fn new(seed: u64) -> Self {
        Mutator {
            state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        }
    }

    /// xorshift64.
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }

    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn change(&mut self, corpus: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = corpus[self.below(corpus.len())].clone();
        for _ in 0..1 + self.below(6) {
            self.change_once(&mut bytes, corpus);
        }
        bytes.truncate(MOST_BYTES);
        bytes
    }

    fn change_once(&mut self, bytes: &mut Vec<u8>, corpus: &[Vec<u8>]) {
        let at = self.below(bytes.len());
        let Some(byte) = bytes.get_mut(at) else {
            bytes.push(self.next() as u8);
            return;
        };
        match self.next() % 16 {
            0..4 => *byte ^= 1 << self.below(8),
            4..6 => *byte = self.next() as u8,
            6..9 => {
                let edge = EDGES[self.below(EDGES.len())];
                let number = edge
                    .wrapping_add(self.next() % 3)
                    .wrapping_sub(1)
                    .to_le_bytes();
                overwrite(bytes, at, &number[..1 << self.below(4)]);
            }
            9 => {
                // A small step of a number of 8 bytes, as an address is.
                let Some(old) = bytes[at..].first_chunk() else {
                    return;
                };
                let step = (self.next() % 64).wrapping_sub(32);
                let number = u64::from_le_bytes(*old).wrapping_add(step).to_le_bytes();
                overwrite(bytes, at, &number);
            }
            10 => bytes.truncate(at),
            11 => {
                let end = (at + self.below(64)).min(bytes.len());
                bytes.drain(at..end);
            }
            12 => {
                let piece = self.piece(bytes);
                overwrite(bytes, at, &piece);
            }
            13 => {
                let piece = self.piece(bytes);
                bytes.splice(at..at, piece);
            }
            14 => {
                let other = self.below(corpus.len());
                let piece = self.piece(&corpus[other]);
                overwrite(bytes, at, &piece);
            }
            _ => {
                // Somebody else's end.
                let other = &corpus[self.below(corpus.len())];
                let from = at.min(other.len());
                bytes.truncate(at);
                bytes.extend(&other[from..]);
            }
        }
    }

    fn piece(&mut self, bytes: &[u8]) -> Vec<u8> {
        let start = self.below(bytes.len());
        let end = (start + 1 + self.below(128)).min(bytes.len());
        bytes[start..end].to_vec()
    }
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    let length = with.len().min(bytes.len() - at);
    bytes[at..at + length].copy_from_slice(&with[..length]);
}
