use std::io::Write;

use super::*;

fn received(buffer: &SharedBuffer) -> ReceivedMemory {
    ReceivedMemory::of(buffer.memory().file().try_clone_to_owned().unwrap()).unwrap()
}

#[test]
fn the_worker_sees_each_buffer_and_can_change_none() {
    let memory = SharedMemory::with_room_for(3 * UNIT).unwrap();
    let mut buffers: Vec<SharedBuffer> = [9, 0, UNIT].map(|bytes| memory.take(bytes).unwrap()).into();
    for (fill, buffer) in (1..).zip(&mut buffers) {
        buffer.fill(fill);
        buffer.publish().unwrap();
    }
    let mut worker = received(&buffers[0]);
    for buffer in &buffers {
        let (start, size) = (buffer.start() as u64, buffer.len() as u64);
        assert_eq!(worker.bytes(start, size).unwrap(), &**buffer);
    }
    assert!(worker.bytes(3 * UNIT as u64, 1).is_err() && worker.bytes(1, u64::MAX).is_err());
    #[cfg(target_os = "linux")]
    {
        let file = File::from(memory.file().try_clone_to_owned().unwrap());
        assert!((&file).write_all(b"x").is_err() && file.set_len(0).is_err());
    }
}

#[test]
fn what_is_dropped_can_be_taken_again() {
    let memory = SharedMemory::with_room_for(2 * UNIT).unwrap();
    let first = memory.take(UNIT + 1).unwrap();
    assert!(memory.take(1).is_none());
    drop(first);
    assert!(memory.take(2 * UNIT).is_some());
    assert!(memory.take(2 * UNIT + 1).is_none());
}

#[test]
fn a_buffer_of_its_own_holds_the_bytes() {
    let mut buffer = SharedBuffer::holding(b"one line\n").unwrap();
    assert_eq!(received(&buffer).bytes(0, 9).unwrap(), b"one line\n");
    buffer.truncate(3);
    assert_eq!(&*buffer, b"one");
    assert!(SharedBuffer::holding(b"").unwrap().is_empty());
}

#[cfg(target_os = "linux")]
#[test]
fn memory_that_others_can_change_is_not_mapped() {
    let file = memory_file("test").unwrap();
    file.set_len(5).unwrap();
    assert!(ReceivedMemory::of(file.into()).is_err());
}
