//! Choosing the processor's widest instructions at run time. All unsafe code of this crate is in `x86`.

mod floats;
mod lanes;
#[cfg(target_arch = "x86_64")]
mod x86;

pub(crate) use floats::{Floats, MAX_FLOATS};
pub(crate) use lanes::{Lanes, MAX_LANES, Plain};

/// Which instructions to use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kernel {
    /// Plain code for every machine.
    Portable,
    /// AVX2 and FMA: four doubles at once.
    Avx2,
    /// AVX-512 (F and DQ): eight doubles at once.
    Avx512,
}

impl Kernel {
    /// The fastest that this processor has.
    pub fn best() -> Self {
        *Self::available().last().unwrap_or(&Self::Portable)
    }

    /// All that this processor has, the fastest last.
    pub fn available() -> &'static [Self] {
        #[cfg(target_arch = "x86_64")]
        {
            if x86::has_avx512() {
                return &[Self::Portable, Self::Avx2, Self::Avx512];
            }
            if x86::has_avx2() {
                return &[Self::Portable, Self::Avx2];
            }
        }
        &[Self::Portable]
    }
}

/// Work written once for all instructions. `run` and everything that it calls must be `#[inline(always)]`: only what is
/// inlined is compiled for the instructions that were chosen.
pub(crate) trait Job: Sized {
    type Out;

    fn run<D: Lanes, F: Floats>(self) -> Self::Out;
}

/// Does a job by `kernel`, or in plain code where the processor has not that.
pub(crate) fn dispatch<J: Job>(kernel: Kernel, job: J) -> J::Out {
    #[cfg(target_arch = "x86_64")]
    let job = {
        let tried = match kernel {
            Kernel::Avx512 => x86::avx512(job),
            Kernel::Avx2 => x86::avx2(job),
            Kernel::Portable => Err(job),
        };
        match tried {
            Ok(out) => return out,
            Err(job) => job,
        }
    };
    #[cfg(not(target_arch = "x86_64"))]
    let _ = kernel;
    job.run::<Plain, floats::PlainFloats>()
}
