use super::*;
use alloc::vec::Vec;
use ndarray::{Array2, s};

/// Numbers that are rounded in every product.
fn numbers<A: Number>(rows: usize, columns: usize, seed: usize) -> Array2<A> {
    Array2::from_shape_fn((rows, columns), |(r, c)| {
        let n = (r * 7919 + c * 104_729 + seed * 31) % 1009;
        A::nearest(n as f64 / 337.0 - 1.5)
    })
}

/// Every sum by itself, over ascending rows of the matrix.
fn naive<A: Number>(x: &ArrayView2<A>, matrix: &Array2<A>, z: &mut Array2<A>, fused: bool) {
    for ((row, column), z) in z.indexed_iter_mut() {
        for k in 0..matrix.nrows() {
            let (x, w) = (x[[row, k]], matrix[[k, column]]);
            *z = if fused { x.mul_add(w, *z) } else { x * w + *z };
        }
    }
}

fn check<A: crate::Element>(isa: Isa, [rows, depth, columns]: [usize; 3]) {
    let matrix = numbers::<A>(depth, columns, 1);
    let panels = Panels::pack_for_many(matrix.view(), isa.for_units::<A>(columns));
    let wide = numbers::<A>(rows.max(depth), 2 * rows.max(depth) + 3, 2);
    let views = [
        wide.slice(s![..rows, ..depth]),
        wide.slice(s![..depth, ..rows]).reversed_axes(),
        wide.slice(s![..rows, ..2 * depth; 2]),
    ];
    for x in views {
        let mut expected = numbers::<A>(rows, columns, 3);
        // The rows of the sums are not adjacent, and what is between them stays.
        let mut all = Array2::from_elem((rows, columns + 3), A::from_f64(7.0));
        all.slice_mut(s![.., ..columns]).assign(&expected);
        naive(&x, &matrix, &mut expected, isa.is_fused());
        let z = all.slice_mut(s![.., ..columns]);
        A::add_product(AddProduct::new(&panels, x, z));
        assert_eq!(
            all.slice(s![.., ..columns]),
            expected,
            "{isa:?} {rows} x {depth} x {columns}"
        );
        let rest: Vec<A> = all.slice(s![.., columns..]).iter().copied().collect();
        assert!(rest.iter().all(|&y| y == A::from_f64(7.0)));
    }
}

#[test]
fn a_product_is_that_of_naive_sums_bit_for_bit() {
    let rows = [0, 1, 2, 5, 6, 7, 13];
    let depths = [0, 1, 3, 257];
    let columns = [1, 3, 4, 7, 8, 9, 15, 16, 17, 31, 32, 33, 47, 65, 130];
    for isa in Isa::all() {
        for rows in rows {
            for depth in depths {
                for columns in columns {
                    check::<f32>(isa, [rows, depth, columns]);
                    check::<f64>(isa, [rows, depth, columns]);
                }
            }
        }
    }
}

#[test]
#[should_panic(expected = "adjacent columns")]
fn sums_that_are_not_adjacent_are_refused() {
    let matrix = numbers::<f32>(2, 3, 1);
    let panels = Panels::pack_for_many(matrix.view(), Isa::detect());
    let mut z = Array2::zeros((3, 4));
    let z = z.view_mut().reversed_axes();
    let x = Array2::zeros((4, 2));
    let _ = AddProduct::new(&panels, x.view(), z);
}
