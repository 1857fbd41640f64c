//! What the shipped client has instead of std. Std would format and write a
//! message before it traps, to a console that does not exist here: a third of
//! the code.

#![allow(unsafe_code)] // an allocator is made of it

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, unreachable};
use core::cell::UnsafeCell;
use core::ptr::null_mut;

const PAGE: usize = 64 * 1024;

/// Blocks of 16, 24, 32, 48, 64, 96 … bytes, those of one size in a list when
/// they are free. Nothing is ever split or joined, so nothing is fragmented: as
/// much memory is kept as was in use of every size at one time.
struct Blocks(UnsafeCell<State>);

// Its layout is fixed because tests/js/support/heap.js reads it from outside.
#[repr(C)]
struct State {
    /// First free block of each size; each holds the address of the next.
    free: [*mut u8; 64],
    /// Memory that was never handed out.
    fresh: *mut u8,
    left: usize,
}

#[global_allocator]
static BLOCKS: Blocks = Blocks(UnsafeCell::new(State {
    free: [null_mut(); 64],
    fresh: null_mut(),
    left: 0,
}));

// SAFETY: there are no threads: the module has no shared memory.
unsafe impl Sync for Blocks {}

// SAFETY: blocks do not overlap, are as large as asked for, and are multiples of
// 8 bytes, which is the largest alignment that Rust's types have here.
unsafe impl GlobalAlloc for Blocks {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let (class, size) = class(layout.size());
        // SAFETY: nobody else has a reference, and a class is below 64. What
        // stands in a list is a free block, and begins with an address.
        unsafe {
            let state = &mut *self.0.get();
            let list = state.free.as_mut_ptr().add(class);
            if !(*list).is_null() {
                let block = *list;
                *list = *block.cast();
                return block;
            }
            if state.left < size {
                let pages = size / PAGE + 1;
                let end = memory_grow(0, pages);
                if end == usize::MAX {
                    return null_mut();
                }
                // Nobody else grows the memory: the new pages follow what is left.
                state.fresh = (end * PAGE - state.left) as *mut u8;
                state.left += pages * PAGE;
            }
            let block = state.fresh;
            state.fresh = block.add(size);
            state.left -= size;
            block
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let (class, _) = class(layout.size());
        // SAFETY: as above.
        unsafe {
            let list = (*self.0.get()).free.as_mut_ptr().add(class);
            *block.cast() = *list;
            *list = block;
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if class(layout.size()) == class(size) {
            return block;
        }
        // SAFETY: what the caller promises of `block` and `layout` holds for
        // these, too; the smaller of both sizes lies within both blocks.
        unsafe {
            let moved = self.alloc(Layout::from_size_align_unchecked(size, layout.align()));
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

/// The list of the blocks that hold `size` bytes, and their size: the next power
/// of two, or the middle before it.
fn class(size: usize) -> (usize, usize) {
    let log = (size.max(16) - 1).ilog2();
    let middle = 3 << (log - 1);
    if size <= middle && middle >= 16 {
        (2 * log as usize, middle)
    } else {
        (2 * log as usize + 1, 2 << log)
    }
}

/// The host catches the trap, and gives the instance up.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unreachable()
}
