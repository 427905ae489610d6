use super::*;

fn counting<A: From<u16>>() -> impl Iterator<Item = A> {
    (0..50021).cycle().map(A::from)
}

fn filled<A: From<u16>>(count: usize) -> Lines<A> {
    let mut lines = Lines::new(count);
    for (number, i) in lines.numbers_mut().iter_mut().zip(counting()) {
        number.write(i);
    }
    lines
}

fn check<A: From<u16> + Copy + PartialEq>(count: usize) {
    let lines = filled::<A>(count).clone();
    assert_eq!(lines.numbers().len(), count);
    assert_eq!(lines.first() as usize % size_of::<Line>(), 0);
    for (number, i) in lines.numbers().iter().zip(counting::<A>()) {
        // SAFETY: the loop above wrote all numbers.
        assert!(unsafe { number.assume_init() } == i);
    }
}

#[test]
fn small_ones_keep_their_numbers() {
    for count in [0, 1, 15, 16, 17] {
        check::<f32>(count);
        check::<f64>(count);
    }
}

#[test]
#[cfg_attr(miri, ignore = "an hour")]
fn large_ones_keep_their_numbers() {
    for count in [LARGE / 8 - 9, LARGE / 4, LARGE / 4 + 1] {
        check::<f32>(count);
        check::<f64>(count);
    }
}

#[test]
#[cfg_attr(miri, ignore = "an hour")]
fn large_ones_begin_with_a_page() {
    let lines = filled::<f32>(LARGE / 4);
    assert_eq!(lines.clone().first() as usize % PAGE, 0);
    assert_eq!(lines.first() as usize % PAGE, 0);
}
