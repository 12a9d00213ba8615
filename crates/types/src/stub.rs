//! stand-ins
use crate::{DecodeError, Reader, Wire};
use alloc::vec::Vec;
macro_rules! stub { ($($n:ident $len:literal),*) => {$(
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)] pub struct $n([u8;$len]);
impl $n { pub fn parse(t:&str)->Result<Self,()>{ let b:[u8;$len]=t.as_bytes().try_into().map_err(|_|())?; Ok(Self(b)) } pub fn from_bytes12(b:[u8;$len])->Result<Self,()>{Ok(Self(b))} }
impl Wire for $n { fn write(&self,o:&mut Vec<u8>){o.extend(self.0)} fn read(f:&mut Reader<'_>)->Result<Self,DecodeError>{f.array().map(Self)} }
)*}}
stub!(Isin 12, Lei 20, Mic 4, Cfi 6, Currency 3);
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BusinessDate(pub u32);
impl Wire for BusinessDate {
    fn write(&self, o: &mut Vec<u8>) {
        self.0.write(o)
    }
    fn read(f: &mut Reader<'_>) -> Result<Self, DecodeError> {
        u32::read(f).map(Self)
    }
}
