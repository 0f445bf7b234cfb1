*** Settings ***
Documentation       Starts of image VMs that must fail: each says why, soon, and leaves nothing.
Resource            image_vm.resource
Library             ../../libraries/ImageFaults.py
Library             ../../libraries/Stopwatch.py
Suite Setup         Set Up
Suite Teardown      Tear Down
Test Teardown       Nothing Is Left


*** Variables ***
${IMAGE}        ${CURDIR}/../../../build/image-vm


*** Test Cases ***
A Wrong Password
    Start Fails    *SSH cisco@127.0.0.1*password*    password=wrong

A Refused Key
    Make Key    ${DIRECTORY}/key
    Start Fails    *SSH cisco@127.0.0.1*key*    private_key=${DIRECTORY}/key    password=wrong

A Key That Is Not There
    Start Fails    *argument 'private_key': ${DIRECTORY}/nokey*    private_key=${DIRECTORY}/nokey    password=wrong

A Host Key That Is Not The Pinned One
    ${fingerprint}=    Make Key    ${DIRECTORY}/other
    ${theirs}=    Fingerprint Of    ${IMAGE}/ssh_host_ed25519_key.pub
    Start Fails    *host key*${theirs}*    host_key=${fingerprint}

A Host Key That Is In No Known Hosts
    Create File    ${DIRECTORY}/known    [127.0.0.1]:1 ssh-ed25519 AAAA\n
    Start Fails    *host key*${DIRECTORY}/known*    known_hosts=${DIRECTORY}/known

Known Hosts And A Fingerprint
    ${fingerprint}=    Fingerprint Of    ${IMAGE}/ssh_host_ed25519_key.pub
    Start Fails    *argument 'known_hosts': not together with 'host_key'*
    ...    known_hosts=${DIRECTORY}/known    host_key=${fingerprint}
    Start Fails    *argument 'known_hosts': ${DIRECTORY}/none*    known_hosts=${DIRECTORY}/none

A Passphrase For No Key
    Start Fails    *argument 'passphrase': there is no 'private_key'*    passphrase=secret words

No SSH Agent
    [Documentation]    The server has one only if it was started with one.
    Start Fails    *SSH cisco@127.0.0.1*agent*    ssh_agent=True    password=wrong

A Fingerprint That Is None
    Start Fails    *argument 'host_key': expected*got 'SHA256:short'    host_key=SHA256:short

A Port That Is Taken
    Take TCP Port    10043
    Start Fails    Start Image VM: SSH port 10043 (10021 + qemu_id 22) is taken by another process: give another qemu_id
    ...    qemu_id=22
    Take TCP Port    4578
    Start Fails    Start Image VM: serial port 4578 (4555 + qemu_id 23) is taken by another process: give another qemu_id
    ...    qemu_id=23
    [Teardown]    Run Keywords    Give Ports Back    AND    Nothing Is Left

A Number Whose Ports Are Taken Is Skipped
    ${first}=    Start Image VM    first    paused=True    memory=512
    Kill VM    first
    Take TCP Port    ${first}[port]
    Take TCP Port    ${{ $first['serial'] + 1 }}
    ${second}=    Start Image VM    second    paused=True    memory=512
    Should Be True    ${second}[qemu_id] > ${first}[qemu_id] + 1
    Kill VM    second
    [Teardown]    Run Keywords    Give Ports Back    AND    Nothing Is Left

An Image That Is Not There
    Start Fails    *argument 'image'*${DIRECTORY}/none*    image=${DIRECTORY}/none

An Image That Is No Image
    Create File    ${DIRECTORY}/text.img    no boot sector\n
    Start Fails    *argument 'image': ${DIRECTORY}/text.img is no disk image*
    ...    image=${DIRECTORY}/text.img

A Directory For An Image
    Start Fails    *argument 'image'*    image=${DIRECTORY}

A Broken Qcow2 Image
    Evaluate    open(r'${DIRECTORY}/bad.qcow2', 'wb').write(b'QFI\\xfb' + bytes(4096))
    Start Fails    *QEMU did not start*QEMU said*qcow2*    image=${DIRECTORY}/bad.qcow2

A Read-Only Image Without Snapshot
    Evaluate    os.makedirs(r'${DIRECTORY}/rw')    os
    Evaluate    open(r'${DIRECTORY}/rw/disk.img', 'wb').write(bytes(510) + b'\\x55\\xaa' + bytes(512))
    Mount Read Only    ${DIRECTORY}/rw    ${DIRECTORY}/ro
    Start Fails    *argument 'image': ${DIRECTORY}/ro/disk.img is read-only, and snapshot\=False*
    ...    image=${DIRECTORY}/ro/disk.img    snapshot=False
    [Teardown]    Run Keywords    Unmount All    AND    Nothing Is Left

An Image That Does Not Boot
    Evaluate    open(r'${DIRECTORY}/dead.img', 'wb').write(bytes(510) + b'\\x55\\xaa' + bytes(1048576))
    Start The Stopwatch
    Start Fails    *timed out*SSH*    image=${DIRECTORY}/dead.img    timeout=4 seconds
    ${seconds}=    Read The Stopwatch
    Should Be True    ${seconds} < 6

An Agent That Never Answers Is A Warning
    [Documentation]    Unless a keyword needs it.
    Copy Image Without Agent    ${IMAGE}    ${DIRECTORY}/mute
    Set Constant    timeout.agent    2 seconds
    ${info}=    Start Image VM    mute    memory=512    image=${DIRECTORY}/mute/vhostel.img
    Should Be Equal    ${info}[state]    running
    Should Not Be True    ${info}[agent]
    ${result}=    Execute In VM    mute    id    -un
    Should Be Equal    ${result}[stdout]    cisco\n
    Run Keyword And Expect Error    *guest agent*    Guest Agent Command    mute    guest-ping
    Run Keyword And Expect Error    *guest agent*    Get VM Interfaces    mute
    Stop VM    mute
    [Teardown]    Run Keywords    Reload Constants    AND    Nothing Is Left


*** Keywords ***
Set Up
    Make A Directory
    Set Up VMs

Tear Down
    Tear Down VMs
    Remove Directory    ${DIRECTORY}    recursive=True

Start Fails
    [Arguments]    ${pattern}    &{options}
    Run Keyword And Expect Error    ${pattern}    Start Image VM    bad    memory=512    &{options}

Nothing Is Left
    [Documentation]    No VM, no process, no file but the console log.
    @{vms}=    List VMs
    Should Be Empty    ${vms}
    @{pids}=    Processes With    %{VHOSTEL_RUN_DIR}/bad
    Should Be Empty    ${pids}
    ${there}=    Run Keyword And Return Status    Directory Should Exist    %{VHOSTEL_RUN_DIR}/bad
    IF    ${there}
        @{files}=    List Directory    %{VHOSTEL_RUN_DIR}/bad
        Should Be Equal    ${files}    ${{ ['console.log'] }}
    END
