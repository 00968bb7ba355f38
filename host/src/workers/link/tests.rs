use super::*;

fn links() -> (Link, Link) {
    let (one, other) = UnixStream::pair().unwrap();
    (Link::new(one).unwrap(), Link::new(other).unwrap())
}

#[test]
fn a_message_arrives_as_it_was_sent() {
    let (mut here, mut there) = links();
    here.outgoing.send(&"text").unwrap();
    assert_eq!(there.incoming.receive().unwrap().message::<&str>().unwrap(), "text");
}

#[test]
fn a_message_that_was_put_off_arrives_before_the_next() {
    let (mut here, mut there) = links();
    here.outgoing.put_off(&1).unwrap();
    here.outgoing.send(&2).unwrap();
    for number in [1, 2] {
        assert_eq!(there.incoming.receive().unwrap().message::<i32>().unwrap(), number);
    }
}

#[test]
fn files_arrive_among_the_messages_however_they_are_read() {
    let (mut here, mut there) = links();
    let files = [(); 3].map(|()| tempfile::tempfile().unwrap());
    here.outgoing.send(&1).unwrap();
    here.outgoing.send_file(files[0].as_fd()).unwrap();
    here.outgoing.send_file(files[1].as_fd()).unwrap();
    here.outgoing.send(&"a".repeat(3 * AHEAD)).unwrap();
    here.outgoing.send_file(files[2].as_fd()).unwrap();
    here.outgoing.send(&2).unwrap();
    drop(here);
    let inode = |file: OwnedFd| rustix::fs::fstat(file).unwrap().st_ino;
    let expected = files.map(|file| inode(file.into()));
    let mut received = Vec::new();
    let incoming = &mut there.incoming;
    assert_eq!(incoming.receive().unwrap().message::<i32>().unwrap(), 1);
    received.extend([(); 2].map(|()| inode(incoming.receive_file().unwrap())));
    assert_eq!(incoming.receive().unwrap().message::<&str>().unwrap().len(), 3 * AHEAD);
    received.push(inode(incoming.receive_file().unwrap()));
    assert_eq!(received, expected);
    assert_eq!(incoming.receive().unwrap().message::<i32>().unwrap(), 2);
    assert!(matches!(incoming.receive(), Err(LinkError::Closed)));
}

#[test]
fn a_message_that_announces_too_much_is_refused() {
    let (mut here, mut there) = links();
    here.outgoing.stream.write_all(b"xxxxxxxx").unwrap();
    assert!(matches!(there.incoming.receive(), Err(LinkError::TooLong(_))));
}

#[test]
fn one_that_ended_is_noticed_while_others_keep_the_link_open() {
    let (here, _there) = links();
    let mut here = here.until(|| true).unwrap();
    assert!(matches!(here.incoming.receive(), Err(LinkError::Closed)));
}

#[test]
fn what_was_sent_before_the_end_arrives() {
    let (here, mut there) = links();
    let mut here = here.until(|| true).unwrap();
    there.outgoing.send(&"last words").unwrap();
    assert_eq!(
        here.incoming.receive().unwrap().message::<&str>().unwrap(),
        "last words"
    );
}

#[test]
fn a_deadline_ends_the_wait() {
    let (here, _there) = links();
    let mut here = here.until(|| false).unwrap();
    let soon = Instant::now() + Duration::from_millis(1);
    here.incoming.set_deadline(Some(soon)).unwrap();
    assert!(matches!(here.incoming.receive(), Err(LinkError::TimedOut)));
}
