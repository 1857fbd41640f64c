//! What the shipped client has instead of std. Std would format and write a
//! message before it traps, to a console that does not exist here: a third of
//! the code.

#![allow(unsafe_code)] // an allocator is made of it

use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32::{memory_grow, unreachable};
use core::cell::UnsafeCell;
use core::ptr::null_mut;

use super::class::class;

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

// SAFETY: blocks do not overlap, are as large as asked for, and begin at multiples
// of `ALIGNMENT`; who asks for more (u128 and SIMD do) gets none.
unsafe impl GlobalAlloc for Blocks {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let Some((class, size)) = class(layout) else {
            return null_mut();
        };
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
                // Only this line may grow the memory: the new pages are taken to
                // follow what is left. The host has the memory in its hands, too;
                // it reads and writes there, and never calls `grow`.
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
        // Nobody gives back what nobody got.
        let Some((class, _)) = class(layout) else {
            return;
        };
        // SAFETY: as above.
        unsafe {
            let list = (*self.0.get()).free.as_mut_ptr().add(class);
            *block.cast() = *list;
            *list = block;
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: what the caller promises of `block` and `layout` holds for
        // these, too; the smaller of both sizes lies within both blocks.
        unsafe {
            let wanted = Layout::from_size_align_unchecked(size, layout.align());
            if class(layout) == class(wanted) {
                return block;
            }
            let moved = self.alloc(wanted);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(block, layout.size().min(size));
                self.dealloc(block, layout);
            }
            moved
        }
    }
}

/// The host catches the trap, and gives the instance up.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    unreachable()
}
