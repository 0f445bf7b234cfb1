*** Settings ***
Documentation       testpmd in an image VM forwards real packets.
Resource            image_vm.resource
Suite Setup         Start An Image VM Between Two Ports
Suite Teardown      Stop What Runs


*** Test Cases ***
Testpmd Forwards
    ${testpmd}=    Run Testpmd In VM    ${VM}    forward_mode=io
    Length Should Be    ${testpmd}[ports]    2
    Should Be Equal    ${testpmd}[ports][0][mac_address]    52:54:00:00:09:01
    Host Testpmd Command    start tx_first 8
    Both Ends Count Both Directions    Get Testpmd Stats    ${VM}
    Host Testpmd Command    stop
    ${guest}=    Stop Testpmd In VM    ${VM}
    Every Packet Is Accounted For    ${guest}

A Second Payload Is Refused
    Run Testpmd In VM    ${VM}    forward_mode=mac
    Run Keyword And Expect Error    *runs testpmd already*    Run Linux Bridge In VM    ${VM}
    Run Keyword And Expect Error    *runs testpmd already*    Run Testpmd In VM    ${VM}
    Stop Testpmd In VM    ${VM}

Bad Options Fail With Testpmd's Own Output
    Run Keyword And Expect Error    *argument 'queues'*    Run Testpmd In VM    ${VM}    queues=4
    ${arguments}=    Create List    --no-such-option
    Run Keyword And Expect Error    *unrecognized option*no-such-option*
    ...    Run Testpmd In VM    ${VM}    extra_args=${arguments}
    ${arguments}=    Create List    --total-num-mbufs=400000
    Run Keyword And Expect Error    *EAL: Error*mbuf pool**
    ...    Run Testpmd In VM    ${VM}    extra_args=${arguments}
