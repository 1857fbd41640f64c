//! The sizes in which the allocator hands memory out.

use core::alloc::Layout;

/// Every block begins at a multiple of it: the largest alignment of the types
/// that the client is made of.
const ALIGNMENT: usize = 8;

/// The list of the blocks that hold what `layout` asks for, and their size: the
/// next power of two, or the middle before it. `None`: no block is aligned so.
pub(super) fn class(layout: Layout) -> Option<(usize, usize)> {
    let log = (layout.size().max(16) - 1).ilog2();
    let middle = 3 << (log - 1);
    let fits = layout.size() <= middle && middle >= 16;
    let (class, size) = match fits {
        true => (2 * log as usize, middle),
        false => (2 * log as usize + 1, 2 << log),
    };
    (layout.align() <= ALIGNMENT).then_some((class, size))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(size: usize, align: usize) -> Option<(usize, usize)> {
        class(Layout::from_size_align(size, align).unwrap())
    }

    #[test]
    fn a_block_is_large_enough_and_keeps_its_neighbour_aligned() {
        for size in 0..10_000 {
            for align in [1, 2, 4, 8] {
                let (list, block) = of(size, align).unwrap();
                assert!(
                    block >= size && block % ALIGNMENT == 0 && list < 64,
                    "{size}"
                );
                assert_eq!(of(block, align), Some((list, block)), "one size a list");
            }
        }
    }

    #[test]
    fn an_alignment_that_no_block_has_is_refused() {
        for align in [16, 32, 4096] {
            assert_eq!(of(16, align), None, "{align}");
        }
        assert_eq!(of(16, align_of::<u64>()), Some((7, 16)));
    }
}
