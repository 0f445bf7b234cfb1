*** Settings ***
Documentation       Clients that go, disks that are full, QEMUs that hang, and many VMs.
Resource            fault.resource

Suite Setup         Set Up Faults
Suite Teardown      Tear Down Faults
Test Teardown       End Server And Check


*** Variables ***
${COUNT}            ${20}
${RSS_MAX_MIB}      ${16}


*** Test Cases ***
A Client That Hangs Up Cancels Its Start
    [Documentation]    Robot closes the connection when a keyword's timeout comes.
    Start Server    ${RUN_DIR}
    ${url}=    Get Server Url
    ${result}=    Run Process    ${{sys.executable}}    -m    robot    --output    NONE    --log    NONE
    ...    --report    NONE    --variable    URL:${url}    --variable    SOCKET:${DIRECTORY}/a
    ...    ${CURDIR}/../data/impatient.robot
    Should Contain    ${result.stdout}    Keyword timeout 1 second exceeded
    Wait Until Keyword Succeeds    2 s    20 ms    State Should Be    left    defined
    ${pids}=    Find Processes    ${RUN_DIR}/
    Should Be Empty    ${pids}
    Should Not Exist    ${DIRECTORY}/a
    ${log}=    Get Server Log
    Should Match Regexp    ${log}    VM 'left': start cancelled, destroyed: .*client

A Full Disk Fails A Start And Leaves Nothing
    [Documentation]    With so many bytes free that another step meets the end of the disk each time.
    Create Directory    ${DIRECTORY}/small
    ${result}=    Run Process    mount    -t    tmpfs    -o    size\=128k    tmpfs    ${DIRECTORY}/small
    Should Be Equal As Integers    ${result.rc}    0    ${result.stderr}
    Start Server    ${DIRECTORY}/small
    ${failed}=    Set Variable    ${0}
    FOR    ${free}    IN RANGE    0    7
        Call    List VMs
        Fill Disk    ${DIRECTORY}/small    ${free}
        ${status}    ${error}=    Run Keyword And Ignore Error    Call    Start Kernel VM    full    paused=True
        Remove File    ${DIRECTORY}/small/filler
        IF    '${status}' == 'FAIL'
            Should Contain    ${error}    VM 'full'
            Should Contain    ${error}    No space left on device
            ${failed}=    Evaluate    ${failed} + 1
        END
        Call    Qemu Kill All
        ${pids}=    Find Processes    ${DIRECTORY}/small/
        Should Be Empty    ${pids}
        Remove Directory    ${DIRECTORY}/small/full    recursive=True
        ${left}=    List Files Below    ${DIRECTORY}/small
        Should Be Equal    ${{list($left)}}    ${{['lock']}}
    END
    Should Be True    ${failed} >= 2
    Call    Start Kernel VM    full    paused=True
    [Teardown]    Unmount And Check

A Qemu That Hangs In Its Start Is Killed
    Create File    ${DIRECTORY}/qemu    \#!/bin/sh\nexec sleep 600\n
    Run Process    chmod    755    ${DIRECTORY}/qemu
    Start Server    ${RUN_DIR}    qemu.binary=${DIRECTORY}/qemu
    ${began}=    Evaluate    time.monotonic()
    ${error}=    Run Keyword And Expect Error    *    Call    Start Kernel VM    hangs    timeout=1
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Should Be True    1 <= ${seconds} < 2
    Should Contain    ${error}    VM 'hangs'
    Should Contain    ${error}    starting QEMU
    ${vms}=    Call    List VMs
    Should Be Empty    ${vms}
    ${result}=    Run Process    pgrep    -fx    sleep 600
    Should Not Contain    ${result.stdout}    ${SPACE}

Many Paused VMs Start And End Fast In A Small Server
    [Documentation]    The clock counts other work on the machine too: the best of three rounds does.
    ${pid}=    Start Server    ${RUN_DIR}
    Call    Start Kernel VM    vm1    memory=256    page_size=4K    paused=True
    ${one}=    Get Memory And Threads    ${pid}
    Call    Kill VM    vm1
    Wait Until Keyword Succeeds    3x    0 s    Many VMs Should End Within A Second    ${pid}    ${one}[threads]

Force Ends Every Qemu Of The Node And Nothing Else
    [Documentation]    In a PID namespace of its own, where no other QEMU is.
    ${result}=    Run Process    unshare    --pid    --mount-proc    --fork    --kill-child
    ...    ${{sys.executable}}    ${CURDIR}/force.py    ${DIRECTORY}    timeout=60 s
    Log    ${result.stdout}${result.stderr}
    Should Be Equal As Integers    ${result.rc}    0    ${result.stderr}


*** Keywords ***
Many VMs Should End Within A Second
    [Arguments]    ${server}    ${threads}
    @{pids}=    Create List
    FOR    ${i}    IN RANGE    ${COUNT}
        ${info}=    Call    Start Kernel VM    vm${i}    memory=256    page_size=4K    paused=True
        Append To List    ${pids}    ${info}[pid]
    END
    ${all}=    Get Memory And Threads    ${server}
    Should Be Equal    ${all}[threads]    ${threads}
    Should Be True    ${all}[rss] < ${RSS_MAX_MIB}
    ${vms}=    Call    List VMs
    Length Should Be    ${vms}    ${COUNT}
    ${began}=    Evaluate    time.monotonic()
    ${killed}=    Call    Qemu Kill All
    ${seconds}=    Evaluate    time.monotonic() - ${began}
    Length Should Be    ${killed}    ${COUNT}
    FOR    ${pid}    IN    @{pids}
        Process Should Be Gone    ${pid}
    END
    Log    ${all}, killed in ${seconds} s
    Should Be True    ${seconds} < 1    Qemu Kill All took ${seconds} s

Fill Disk
    [Documentation]    Leaves so many pages free.
    [Arguments]    ${directory}    ${pages}
    ${free}=    Evaluate    os.statvfs($directory).f_bavail * os.statvfs($directory).f_frsize
    ${size}=    Evaluate    max(0, ${free} - ${pages} * 4096)
    ${result}=    Run Process    head    -c    ${size}    /dev/zero    stdout=${directory}/filler
    Should Be Equal As Integers    ${result.rc}    0

Unmount And Check
    End Server
    Run Process    umount    ${DIRECTORY}/small
    Nothing Should Be Left Of VMs
